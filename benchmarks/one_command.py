"""The smallest program on the same Typer: what start-up is compared with."""

import typer

app = typer.Typer(rich_markup_mode=None)


@app.command()
def main(name: str = "world") -> None:
    """Greet somebody."""
    print(f"hello {name}")


if __name__ == "__main__":
    app()
