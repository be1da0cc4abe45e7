"""The error of the sandbox itself, as opposed to those that it emulates."""

from pathlib import Path


class SandboxStateError(Exception):
    """The file of the sandbox's state cannot be used.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"the sandbox's file {path} {problem}")
        self.path = path
