"""pallink sandbox: look at, set and reset the embedded stand-in for Azure."""

import typer

app = typer.Typer(
    help="Look at, set and reset the embedded stand-in for Azure.", no_args_is_help=True, rich_markup_mode=None
)
