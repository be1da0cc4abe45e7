"""Commands whose modules are imported when they are used: help and completion list them without."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class LazyCommand(NamedTuple):
    """A command that is not loaded yet.

    Attributes:
        module: where it is: its Typer app is the module's `app`.
        summary: the first sentence of its help, as lists of commands show it.
    """

    module: str
    summary: str


class LazyGroup(TyperGroup):
    """A group that lists its commands by `later`, and loads the one that is used.

    Click asks `get_command` when it lists commands, and `resolve_command` when one is on the command line: so listing
    meets stand-ins, which have a name and a summary and no parameters.
    """

    later: ClassVar[Mapping[str, LazyCommand]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, each in self.later.items():
            self.add_command(TyperCommand(name, help=each.summary, rich_markup_mode=None))

    def load(self, name: str) -> Any:
        """The command itself."""
        return get_command(import_module(self.later[name].module).app)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the first argument names; raises where there is none."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, stand_in if name is None else self.load(name), rest


def new_app(**attributes: Any) -> typer.Typer:
    """A Typer app for one command, or for a group of them.

    Args:
        attributes: those of `typer.Typer`.
    """
    # Without rich, help is quick and carries no ANSI codes where GITHUB_ACTIONS or FORCE_COLOR is set.
    return typer.Typer(
        **{"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False, **attributes}
    )
