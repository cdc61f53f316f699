"""`make demo`: the whole method on this machine, from a few files to answers of a running service.

It uses nothing but the commands a reader can type afterwards, and shows each before running it.
"""
