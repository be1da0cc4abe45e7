"""`pallink` and `python -m pallink`."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from pallink.cli.app import main as run  # noqa: PLC0415 - `import pallink.__main__` must not parse anything

    sys.exit(run())


if __name__ == "__main__":
    main()
