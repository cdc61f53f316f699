"""The winning ticket: which parameters of the backbone few-shot training may move (3.1, 5.3, 5.4).

`mask` is the ticket and its file, `selection` selects a ticket from a drift. This file imports neither, so that reading
a mask loads no training code.
"""
