"""Arithmetic that knows no ticket: threads, buffers, and the compiled loop that adds values under a bit mask."""
