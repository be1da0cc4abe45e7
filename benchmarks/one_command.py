"""The smallest Typer program with help and a version, to compare start-up with."""

from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        print("one-command 1.0")
        raise typer.Exit


@app.command()
def main(
    name: str = "world",
    *,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Print a greeting."""
    del version  # handled by the callback
    print(f"hello {name}")


if __name__ == "__main__":
    app()
