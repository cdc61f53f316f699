"""What the service keeps: drifts, tickets, adapters, predictions, and the texts they were made from.

One file a noun. Every function takes a session and belongs inside `Database.write()`, or `Database.read()` where it
only reads; foreign rows do not exist. `publish` is what a job calls at its end, in one fenced transaction.
"""
