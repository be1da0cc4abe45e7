"""`pallink` and `python -m pallink`."""

import gc
import sys

# How many objects may come into being before Python looks among them for garbage. Nearly all that a command makes are
# its modules, which last until it ends: to look through them again and again would take a quarter of its time.
_COLLECT_AFTER = 100_000


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from pallink.cli.signals import INTERRUPTS, leave  # noqa: PLC0415 - `import pallink.__main__` must do nothing

    INTERRUPTS.begin()  # For good: with the command the process ends.
    gc.set_threshold(_COLLECT_AFTER)
    try:
        from pallink.cli.app import main as run  # noqa: PLC0415

        code = run()
    except KeyboardInterrupt:
        INTERRUPTS.over = True
        from pallink.cli.app import interrupted_at_the_start  # noqa: PLC0415 - it may not have been loaded

        code = interrupted_at_the_start(sys.argv[1:])
    if INTERRUPTS.happened:
        leave(code)
    # Nor at the end: what is left goes with the process.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
