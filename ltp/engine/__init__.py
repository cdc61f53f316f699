"""Answering with many adapters on one backbone: what is resident, what leaves, and how a mixed batch is taken apart."""
