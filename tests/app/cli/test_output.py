"""What a failure looks like: each fault once."""

from __future__ import annotations

import pytest

from app.cli.failure import Failure
from app.cli.output import Output


def test_one_fault_is_said_once_and_several_each(capsys: pytest.CaptureFixture[str]) -> None:
    no_language = "'quechua' is not a language; give a BCP-47 tag"
    one = Failure("invalid_request", f"lang: {no_language}", fields=[{"path": "lang", "message": no_language}])
    Output(as_json=False).fail(one)
    assert capsys.readouterr().err.count("'quechua' is not a language") == 1
    assert one.as_dict()["fields"][0]["path"] == "lang"

    fields = [{"path": "training.epochs", "message": "must be 1 or more"}, {"path": "seeds", "message": "must be few"}]
    several = Failure(
        "invalid_request", "the request does not validate: training.epochs: must be 1 or more (and 1 more)"
    )
    several.fields = fields
    Output(as_json=False).fail(several)
    said = capsys.readouterr().err
    assert said.count("training.epochs") == 1
    assert "  seeds: must be few" in said
