"""Lottery Ticket Prompt-learning: the method, and nothing else.

Torch in, tensors out. This package knows no database, HTTP, queue or environment variable. Importing it is cheap:
torch is imported by the modules that need it, never by `config`, `errors` or `text`.
"""
