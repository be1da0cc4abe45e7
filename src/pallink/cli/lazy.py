"""Commands whose modules are imported on use, so that help and completion stay fast."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class LazyCommand(NamedTuple):
    """A command that is not loaded yet.

    Attributes:
        module: The module that has the command's Typer app as `app`.
        summary: The first sentence of its help, for the list of commands.
    """

    module: str
    summary: str


class Group(TyperGroup):
    """A group with pallink's help.

    Attributes:
        further_help: Further sections of the help, by their headings: rows of a name and a description.
    """

    further_help: ClassVar[Mapping[str, Sequence[tuple[str, str]]]] = {}

    def get_help(self, ctx: Any) -> str:
        """Return the help."""
        from pallink.cli.help import render_help  # noqa: PLC0415 - few command lines ask for it

        return render_help(self, ctx, dict(self.further_help))


class LazyGroup(Group):
    """A group that lists its commands from `lazy_commands`, and loads the one that is used.

    Click calls `get_command` to list commands, which finds placeholders without parameters here, and `resolve_command`
    for the one on the command line, which loads it.
    """

    lazy_commands: ClassVar[Mapping[str, LazyCommand]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, command in self.lazy_commands.items():
            self.add_command(TyperCommand(name, help=command.summary, rich_markup_mode=None))

    def load(self, name: str) -> Any:
        """Import and return a command."""
        return get_command(import_module(self.lazy_commands[name].module).app)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the first argument names, loaded; Click raises the error if there is none."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, placeholder if name is None else self.load(name), rest


def new_app(**attributes: Any) -> typer.Typer:
    """Return a Typer app for one command, or for a group of commands.

    Args:
        attributes: The arguments of `typer.Typer`.
    """
    # Without rich, help is fast, and has no ANSI codes if GITHUB_ACTIONS or FORCE_COLOR is set.
    return typer.Typer(
        **{
            "cls": Group,
            "add_completion": False,
            "rich_markup_mode": None,
            "pretty_exceptions_enable": False,
            **attributes,
        }
    )
