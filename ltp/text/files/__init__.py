"""Files of rows, whatever their format: found out, read row by row, written back. Imports no torch.

`record_file` reads a file as `Record`s, each with its values by column name and its place; `detection` finds the
format: `delimited` or `jsonlines`. What the columns mean is not known here.
"""

from ltp.text.files.detection import Format
from ltp.text.files.record import Record, Value
from ltp.text.files.record_file import RecordFile

__all__ = ["Format", "Record", "RecordFile", "Value"]
