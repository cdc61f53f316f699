"""Files of rows, whatever their format: found out, read row by row, written back. Imports no torch.

`record_file` finds the format of a file and reads it as `Record`s, each with its values by column name and its place.
Text is `delimited` (in a `dialect`, told by `quoting` and `first_row`), `jsonlines` or a `json_document`, cut in blocks
by `quick_cells` and `quick_objects`; a `table` is what `spreadsheets`, `arrow` and `xml_pairs` read. What the columns
mean is not known here.
"""

from ltp.text.files.record import Record, Value
from ltp.text.files.record_file import Format, RecordFile

__all__ = ["Format", "Record", "RecordFile", "Value"]
