"""Options declared as a dataclass: read from the command line as a function's parameters would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from app.cli.option_groups import options_from


@dataclass(frozen=True, kw_only=True)
class Inner:
    count: Annotated[int, typer.Option("--how-many", min=1, help="A number.")] = 3
    loud: bool = False

    def __post_init__(self) -> None:
        if self.loud and self.count > 5:
            raise typer.BadParameter("too loud")


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: Annotated[str, typer.Argument(metavar="NAME")]
    inner: Inner
    colour: str | None = None


def call(*arguments: str) -> tuple[int, list[Outer], str]:
    """Exit code, what the command was given, and what was printed."""
    group, given = typer.Typer(), list[Outer]()

    @group.command("paint")
    @options_from(Outer)
    def paint(options: Outer) -> None:
        """Paint something."""
        given.append(options)

    done = CliRunner().invoke(group, arguments)
    return done.exit_code, given, done.output


def test_fields_of_nested_dataclasses_are_options_of_one_command() -> None:
    code, given, _ = call("wall", "--how-many", "2", "--loud", "--colour", "red")
    assert (code, given) == (0, [Outer(name="wall", inner=Inner(count=2, loud=True), colour="red")])


def test_defaults_are_those_of_the_fields() -> None:
    assert call("wall")[:2] == (0, [Outer(name="wall", inner=Inner())])


def test_help_and_limits_are_those_of_the_annotations() -> None:
    code, _, shown = call("--help")
    assert code == 0
    assert "Paint something." in shown
    assert "--how-many" in shown
    assert "A number." in shown
    assert call("wall", "--how-many", "0")[0] == 2
    assert call()[0] == 2, "a field without a default is required"


def test_a_dataclass_refuses_options_that_contradict_each_other() -> None:
    code, given, shown = call("wall", "--how-many", "6", "--loud")
    assert (code, given) == (2, [])
    assert "too loud" in shown
