"""`pallink` and `python -m pallink`."""

import gc
import sys

# Net allocations after which Python looks for garbage in cycles. What imports leave behind is none, and lasts.
_COLLECT_AFTER = 100_000


def main() -> None:
    """Run the command line and end the process with its exit code."""
    gc.set_threshold(_COLLECT_AFTER)
    from pallink.cli.app import main as run  # noqa: PLC0415 - `import pallink.__main__` must not parse anything

    sys.exit(run())


if __name__ == "__main__":
    main()
