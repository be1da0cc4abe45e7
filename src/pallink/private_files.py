"""Files that only their owner can change: how they are created, checked, read and replaced.

On Windows, where files have access lists instead of modes, the user's folders are the user's alone by default, and
nothing is checked.
"""

import os
import shlex
import stat
import tempfile
import time
from itertools import takewhile
from pathlib import Path

# What a file of pallink's has at most, with room: a damaged one could be of any size.
_MAX_BYTES = 4 * 1024 * 1024
# Windows refuses to replace a file while another process reads it.
_REPLACE_ATTEMPTS = 20
_REPLACE_PAUSE = 0.05


class UnsafeFileError(OSError):
    """A file or folder that another user can change, or that is not a file at all.

    Attributes:
        command: The command that mends it; None if there is none.
    """

    def __init__(self, path: Path, problem: str, command: str | None = None) -> None:
        super().__init__(f"{path} {problem}")
        self.command = command


def make_folder(folder: Path) -> None:
    """Create a folder and its parents for their owner alone, under any umask, and check it as `check` does.

    Raises:
        UnsafeFileError: Another user can change the folder.
        OSError: It cannot be created.
    """
    missing = list(takewhile(lambda path: not path.exists(), (folder, *folder.parents)))
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    check(folder)


def check(path: Path) -> None:
    """Refuse a file or folder that another user can change. root is trusted, as by ssh.

    Raises:
        UnsafeFileError: Another user can change it.
        OSError: It does not exist, or cannot be examined.
    """
    _check(path, path.stat())


def read(path: Path) -> bytes:
    """Return the content of a file that only its owner can change. A FIFO or a device is refused without waiting.

    Raises:
        UnsafeFileError: Another user can change the file or its folder, or it is not a regular file.
        OSError: It cannot be read, or is larger than 4 MB.
    """
    with open(open_checked(path), "rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise UnsafeFileError(path, "is larger than 4 MB")
    return content


def open_checked(path: Path, flags: int = os.O_RDONLY) -> int:
    """Return a descriptor of a file that only its owner can change. A FIFO or a device is refused without waiting.

    Raises:
        UnsafeFileError: Another user can change the file or its folder, or it is not a regular file.
        OSError: It cannot be opened.
    """
    check(path.parent)
    descriptor = open_without_waiting(path, flags | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnsafeFileError(path, "is not a regular file")  # noqa: TRY301 - as from `_check`
        _check(path, status)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, replacing an old one at once: no process reads half of it.

    Raises:
        OSError: It cannot be written; then no temporary file is left.
    """
    # mkstemp takes a name that did not exist, and mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def open_without_waiting(path: str | Path, flags: int) -> int:
    """Open a file as `opener` of `open`: a FIFO that no process reads is an error instead of a wait."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def replace(source: Path, target: Path) -> None:
    """Move a file into the place of another, or of none, at once.

    Raises:
        OSError: It cannot be moved.
    """
    for _ in range(_REPLACE_ATTEMPTS if os.name == "nt" else 0):
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(_REPLACE_PAUSE)
        else:
            return
    source.replace(target)


def _check(path: Path, status: os.stat_result) -> None:
    if os.name != "posix":
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise UnsafeFileError(path, "belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnsafeFileError(path, "can be changed by other users", f"chmod go-w {shlex.quote(str(path))}")
