"""XML of RTE and ASSIN: pairs with their attributes, in any encoding that is declared, without entities."""

from __future__ import annotations

import gzip

import pytest

from ltp.errors import ExamplesError
from ltp.text.files import RecordFile

RTE = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE entailment-corpus SYSTEM "rte.dtd">
<entailment-corpus>
  <pair id="1" {said} task="IE">
    <t>El niño &amp; "ella" duermen.</t>
    <h>
      Alguien duerme.
    </h>
  </pair>
  <pair id="2" {said} length="short"><t>a</t><h>b</h></pair>
</entailment-corpus>
"""


@pytest.mark.parametrize("said", ['entailment="YES"', 'value="YES"', 'entailment="YES" similarity="3.8"'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_pairs_are_read_with_their_attributes(said: str, encoding: str) -> None:
    content = RTE.format(said=said, encoding=encoding).encode(encoding)
    for packed in (content, gzip.compress(content)):
        file = RecordFile(packed, "RTE3.xml")
        first, second = file
        assert (first.line, second.line, file.format.name) == (4, 10, "xml")
        texts = {"premise": 'El niño & "ella" duermen.', "hypothesis": "Alguien duerme.", "label": "YES"}
        assert {name: first.fields[name] for name in texts} == texts
        assert (second.fields["id"], second.fields["length"]) == ("2", "short")
        assert set(file.format.names) >= {"id", "task", "length", *texts}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<?xml version='1.0'?>\n<corpus><s>a</s></corpus>", "holds no <pair> elements"),
        ("<?xml version='1.0'?>\n<c><pair><t>a</t><h>b</h></pair>", "line 2, column 32: malformed XML|malformed XML"),
        (
            '<?xml version="1.0"?>\n<!DOCTYPE c [<!ENTITY a "aaaa">]>\n<c><pair><t>&a;</t><h>b</h></pair></c>',
            "line 2, column .*: the XML file declares entities",
        ),
    ],
)
def test_what_is_no_such_file_is_refused(content: str, message: str) -> None:
    with pytest.raises(ExamplesError, match=message):
        list(RecordFile(content.encode(), "a.xml"))
