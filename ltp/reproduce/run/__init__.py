"""Doing the work of an experiment cell by cell, and keeping the results."""
