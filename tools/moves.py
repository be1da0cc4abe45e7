"""Counts the modules that a reader has to visit to follow one command, and the moves between them.

`python -m tools.moves` runs `pallink link 719878 --yes --cloud sandbox` in its own sandbox, in this process. A module
is visited where one of its functions is called; a move is a call of a function in another module than that of the call
before it in the same thread. The sandbox itself, and what runs at import, are not counted.
"""

import io
import os
import sys
import tempfile
import threading
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType

import pallink
from pallink.cli.app import main

SOURCE = Path(pallink.__file__).parent
COMMAND = ("link", "719878", "--yes", "--cloud", "sandbox")
_IS_FUNCTION = 1  # CO_OPTIMIZED: the bodies of modules and classes lack it.


class Visits:
    """The modules that were visited, and the moves between them."""

    def __init__(self) -> None:
        self.modules: Counter[str] = Counter()
        self.moves: Counter[tuple[str, str]] = Counter()
        self._last: dict[int, str] = {}

    def record(self, frame: FrameType, event: str, _argument: object) -> None:
        """Count a call; a function for `sys.setprofile`."""
        path = Path(frame.f_code.co_filename)
        if event != "call" or not frame.f_code.co_flags & _IS_FUNCTION or not path.is_relative_to(SOURCE):
            return
        module = path.relative_to(SOURCE).as_posix()
        if module.startswith("sandbox/"):
            return
        thread = threading.get_ident()
        last = self._last.get(thread, module)
        self.modules[module] += 1
        if last != module:
            self.moves[last, module] += 1
        self._last[thread] = module


def count() -> Visits:
    """Run the command and return what was visited."""
    visits = Visits()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PALLINK_SANDBOX_HOME"] = home
        sys.setprofile(visits.record)
        threading.setprofile(visits.record)
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                code = main(COMMAND)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    if code:
        raise SystemExit(code)
    return visits


if __name__ == "__main__":
    found = count()
    for (origin, target), number in found.moves.most_common(20):
        print(f"{number:4}  {origin} -> {target}")
    print(f"{len(found.modules)} modules, {found.moves.total()} moves")
