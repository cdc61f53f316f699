"""The winning ticket: which parameters of the backbone few-shot training may move (3.1, 5.3, 5.4).

`selection` selects the ticket from a drift, `mask` is the ticket and its file.
"""

from ltp.ticket.mask import Ticket
from ltp.ticket.selection import select

__all__ = ["Ticket", "select"]
