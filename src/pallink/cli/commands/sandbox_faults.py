"""pallink sandbox fault: add, list and clear the rules by which requests fail."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pallink import sandbox as embedded
from pallink.cli.field_names import camel_case
from pallink.cli.lazy import new_app
from pallink.cli.options import OutputOptions, command_with_options
from pallink.errors import UsageError
from pallink.output import Terminal, write_value
from pallink.sandbox.names import FAULTS
from pallink.words import counted

if TYPE_CHECKING:
    from pallink.sandbox.faults import Fault

_HELP = "pallink sandbox fault add --help"

app = new_app(
    help="Make requests fail: add, list and clear the rules for it.",
    no_args_is_help=True,
)

_Kind = Annotated[
    str,
    typer.Argument(metavar="KIND", help=f"The fault: {', '.join(FAULTS)}.", autocompletion=lambda: list(FAULTS)),
]


@command_with_options(app, options=OutputOptions)
def add(
    options: OutputOptions,
    *,
    kind: _Kind,
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None,
        typer.Option("--method", case_sensitive=False, help="Only requests with this method.", show_default=False),
    ] = None,
    path: Annotated[
        str,
        typer.Option("--path", metavar="PATTERN", help="Only requests with a matching path, e.g. '*/partners/*'."),
    ] = "*",
    nth: Annotated[int, typer.Option("--nth", metavar="N", min=1, help="The first of these requests that fails.")] = 1,
    times: Annotated[
        int, typer.Option("--times", metavar="N", min=1, help="How many of them fail, one after another.")
    ] = 1,
    always: Annotated[bool, typer.Option("--always", help="All of them fail, instead of --times.")] = False,
    takes_effect: Annotated[
        bool,
        typer.Option(
            "--takes-effect",
            help="Carry out the request nonetheless (status, closed, wrong-json, html, redirect).",
        ),
    ] = False,
    delay: Annotated[float, typer.Option("--delay", metavar="SECONDS", help="Delay the response.")] = 0,
    status: Annotated[
        int | None, typer.Option("--status", metavar="CODE", help="For status: 200 to 599.", show_default=False)
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(
            "--body", metavar="TEXT", help="For status; by default an error like Azure's.", show_default=False
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="'NAME: VALUE'", help="For status; can be repeated.", show_default=False),
    ] = None,
    retry_after: Annotated[
        int | None,
        typer.Option("--retry-after", metavar="SECONDS", min=0, help="For status: the header.", show_default=False),
    ] = None,
    location: Annotated[
        str | None, typer.Option("--location", metavar="URL", help="For redirect: the target.", show_default=False)
    ] = None,
) -> None:
    """Add a rule: which requests fail, how, and how often.

    Where several rules match a request, the oldest that is due applies. Rules hold until they are cleared, or the
    sandbox is reset.
    """
    from pallink.sandbox.faults import FaultKind, FaultRule  # noqa: PLC0415

    headers = [_parse_header(text) for text in header or []]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    if kind not in FAULTS:
        raise UsageError(
            f"unknown fault {kind!r}", remedy=f"use one of {', '.join(FAULTS)}; see the help", command=_HELP
        )
    try:
        rule = FaultRule(
            kind=FaultKind(kind),
            method=method,
            path=path,
            nth=nth,
            times=None if always else times,
            takes_effect=takes_effect,
            delay=delay,
            status=status,
            body=body,
            headers=tuple(headers),
            location=location,
        )
    except ValueError as error:
        raise UsageError(f"invalid rule: {error}", remedy="see the help", command=_HELP) from error
    added = embedded.Sandbox(embedded.home()).add_fault(rule)
    terminal = Terminal()
    write_value(_plain(added), options.output, terminal, options.query, table=lambda: None)
    if not options.quiet:
        terminal.say("sandbox", f"fault {added.number}: {rule}; {rule.kind.explanation}")


@command_with_options(app, "list", options=OutputOptions)
def list_(options: OutputOptions) -> None:
    """List the rules, with the number of requests that matched."""
    faults = embedded.Sandbox(embedded.home()).faults()
    terminal = Terminal()
    lines = [f"{fault.number}  {fault.rule}  (met {fault.seen})\n" for fault in faults] or ["none\n"]
    write_value(
        {"faults": [_plain(fault) for fault in faults]},
        options.output,
        terminal,
        options.query,
        table=lambda: terminal.write("".join(lines)),
    )


@command_with_options(app, options=OutputOptions)
def clear(
    options: OutputOptions,
    number: Annotated[
        int | None, typer.Argument(min=1, metavar="[NUMBER]", help="Only this rule; see list.", show_default=False)
    ] = None,
) -> None:
    """Clear one rule, or all of them."""
    try:
        cleared = embedded.Sandbox(embedded.home()).clear_faults(number)
    except ValueError as error:
        raise UsageError(
            f"unknown fault {number}", remedy="list the rules", command="pallink sandbox fault list"
        ) from error
    terminal = Terminal()
    write_value({"cleared": cleared}, options.output, terminal, options.query, table=lambda: None)
    if not options.quiet:
        terminal.say("sandbox", f"cleared {counted(cleared, 'fault')}")


def _parse_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(
            f"invalid --header {text!r}",
            cause="a header has a name, a colon and a value",
            remedy="write it as in this example",
            command="pallink sandbox fault add status --status 503 --header 'Retry-After: 5'",
        )
    return name.strip(), value.strip()


def _plain(fault: "Fault") -> dict[str, Any]:
    """Return a rule in JSON types, with field names in camel case."""
    rule = {camel_case(name): value for name, value in dataclasses.asdict(fault.rule).items()}
    return {
        "number": fault.number,
        **rule,
        "kind": str(fault.rule.kind),
        "headers": [": ".join(header) for header in fault.rule.headers],
        "seen": fault.seen,
    }
