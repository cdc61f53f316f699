"""What is named, moved, taken away and counted at the keyboard, on a service of its own in a foreign folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cli_process import Done, labelled_pairs, run, serving
from support.needs import PROCESS, needs

Run = Callable[..., Done]
SHORT = ("--method", "pt", "--epochs", "1", "--start", "none")


def foreign(folder: Path) -> Path:
    """The folder of another project, whose packages are named as ours are: jobs must not take them for ours."""
    for package in ("app", "ltp", "ltp_client", "migrations", "worker"):
        (folder / "theirs" / package).mkdir(parents=True)
        (folder / "theirs" / package / "__init__.py").write_text("raise ImportError('this is another project')\n")
    return folder / "theirs"


@pytest.fixture(scope="module")
@needs(PROCESS)
def own(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """`ltp` talking to a service with three adapters of Swahili, two of them named, and a ticket.

    It was started in the folder of another project: every job here shows that this does no harm.
    """
    folder = tmp_path_factory.mktemp("own")
    pairs = folder / "pairs.tsv"
    pairs.write_text(labelled_pairs(["dog", "cat", "cow", "bird"]), encoding="utf-8")
    with serving("serve", backbone=tiny_backbone_dir, data=folder / "data", cwd=foreign(folder), starter="off") as url:

        def ltp(*arguments: str | Path) -> Done:
            return run(*arguments, url=url)

        bounds = ("--sample", "40", "--epochs", "1", "--ratio", "0.2")
        assert ltp("ticket", "create", "--name", "first", "--builtin", "demo", *bounds).code == 0
        for name in ("a try", "another"):
            done = ltp("adapter", "train", pairs, "--lang", "sw", "--name", name, *SHORT)
            assert done.code == 0, done.err
        done = ltp("adapter", "train", pairs, "--lang", "sw", "--ticket", "first", "--epochs", "1", "--start", "none")
        assert done.code == 0, done.err
        yield ltp


def said(done: Done) -> str:
    assert done.code == 0, done.err
    return " ".join(done.out.split())


def test_a_name_is_shown_where_it_was_given(own: Run) -> None:
    assert "sw@1 a try" in said(own("adapter", "list"))
    assert "name a try" in said(own("adapter", "show", "sw@1"))
    ticket = own("adapter", "show", "sw@3", "--json").json["ticket"]
    assert f"ticket {ticket} first" in said(own("adapter", "show", "sw@3"))


def test_promoting_says_what_was_and_the_way_back(own: Run) -> None:
    first = own("adapter", "promote", "sw@1", "--json").json
    assert (first["version"], first["was"]) == (1, None)
    told = said(own("adapter", "promote", "sw@2"))
    assert told == "sw@production was version 1, is now version 2; back: ltp adapter promote sw@1"
    assert said(own("adapter", "promote", "sw@2")) == "sw@production is version 2, as it was"
    told = said(own("adapter", "promote", "sw@3", "--alias", "candidate"))
    assert told.endswith("it was not there before: ltp adapter demote sw --alias candidate")
    held = own("adapter", "delete", "sw@3", "--json")
    assert (held.code, held.json["error"]) == (1, "in_use")
    assert own("adapter", "demote", "sw", "--alias", "candidate").code == 0
    assert said(own("adapter", "demote", "sw")) == "sw@production is gone; the adapter stays."
    assert own("adapter", "list", "--alias", "production", "--json").json == []
    again = own("adapter", "demote", "sw", "--json")
    assert (again.code, again.json["error"]) == (1, "alias_not_found")


def test_an_adapter_its_ticket_and_their_drift_are_deleted_in_this_order(own: Run) -> None:
    drift = own("ticket", "show", "first", "--json").json["drift"]
    assert drift in said(own("drift", "list"))
    held = own("ticket", "delete", "first", "--json")
    assert (held.code, held.json["error"]) == (1, "in_use")
    vague = own("adapter", "delete", "sw")
    assert vague.code == 2
    assert "name a version, as sw@3" in " ".join(vague.err.replace("│", " ").split())
    assert own("adapter", "delete", "sw@3", "--json").json["adapter"] == "sw@3"
    assert said(own("ticket", "delete", "first")).startswith("Deleted ticket")
    assert own("ticket", "list", "--json").json == []
    assert said(own("drift", "delete", drift)) == f"Deleted drift {drift}."
    assert own("drift", "list", "--json").json == []
    assert [each["version"] for each in own("adapter", "list", "--json").json] == [2, 1]


def test_what_there_is_of_a_tenant_is_counted_and_what_was_done_is_told(own: Run) -> None:
    quota = own("quota", "--json").json
    assert 0 < quota["stored_bytes"] < quota["most_stored_bytes"]
    assert "unfinished jobs 0 of 200" in said(own("quota"))
    (worker,) = own("job", "workers", "--json").json
    assert f"{worker['id']} {worker['host']} cpu" in said(own("job", "workers"))
    events = own("audit", "--limit", "50", "--json").json
    assert {"create_adapter", "publish_ticket"} <= {event["action"] for event in events}
    assert f"local {events[-1]['action']}" in said(own("audit", "--limit", "50"))


def test_a_ticket_is_shared_and_taken_back(own: Run) -> None:
    bounds = ("--sample", "40", "--epochs", "1", "--ratio", "0.1")
    assert own("ticket", "create", "--name", "common", "--builtin", "demo", *bounds).code == 0
    assert own("ticket", "share", "common", "--json").json["shared"] is True
    assert own("ticket", "share", "common", "--own", "--json").json["shared"] is False
