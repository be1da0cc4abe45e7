"""`pallink` and `python -m pallink`."""

import gc
import sys

# Objects that are made before Python looks among them for garbage. Nearly all that a command makes are its modules,
# which last until it ends: to look through them again and again would take a quarter of its time.
_COLLECT_AFTER = 100_000


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from pallink.cli.supervisor import Execution, leave  # noqa: PLC0415 - `import pallink.__main__` must do nothing

    gc.set_threshold(_COLLECT_AFTER)
    arguments = sys.argv[1:]

    def interrupted() -> int:
        from pallink.cli.app import interrupted_before_the_command  # noqa: PLC0415

        return interrupted_before_the_command(arguments)

    def run() -> int:
        from pallink.cli.app import run_command_line  # noqa: PLC0415

        return run_command_line(arguments)

    execution = Execution(interrupted, arguments)
    code = execution.run(run)
    # Before 3.14, Python may abort at its end when it stops a thread in the middle of what that frees.
    if execution.is_abandoned or execution.has_threads():
        leave(code)
    # Nor at the end: what is left goes with the process.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
