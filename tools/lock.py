"""Writes requirements.lock: every distribution that pallink needs and is built with, with its hashes.

`python -m tools.lock`, with uv on the PATH. The versions are those of constraints.txt; one file serves all systems and
versions of Python.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

# Not from tools.program, which needs pallink: this one runs where it is not installed.
ROOT = Path(__file__).parent.parent
PATH = ROOT / "requirements.lock"
CONSTRAINTS = ROOT / "constraints.txt"

_HEADER = """\
# Made by `python -m tools.lock` from pyproject.toml and constraints.txt; see SECURITY.md. To install:
#     pip install --require-hashes -r requirements.lock && pip install --no-deps --no-build-isolation .
"""
_LINE = re.compile(r"^([a-z0-9-]+==[^\\\n]+)", re.MULTILINE)


def requirements(path: Path = PATH) -> list[Requirement]:
    """What a lock, or a file of constraints, pins: name, version and for which systems."""
    return [Requirement(line.strip()) for line in _LINE.findall(path.read_text("utf-8"))]


def main() -> int:
    """Write the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder) / "build.in"
        build.write_text("".join(f"{each}\n" for each in project["build-system"]["requires"]))
        made = subprocess.run(  # noqa: S603 - its words are ours
            [
                *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
                *("--no-header", "--no-annotate", "--constraint", str(CONSTRAINTS)),
                *(str(ROOT / "pyproject.toml"), str(build)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if made.returncode == 0:
        PATH.write_text(_HEADER + made.stdout, encoding="utf-8", newline="\n")
    return made.returncode


if __name__ == "__main__":
    sys.exit(main())
