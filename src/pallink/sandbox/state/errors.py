"""What goes wrong with the sandbox itself, as opposed to the errors that it answers with on purpose."""

from pathlib import Path


class SandboxStateError(Exception):
    """The file that holds the sandbox's state cannot be used.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"The sandbox's file {path} {problem}.")
        self.path = path
