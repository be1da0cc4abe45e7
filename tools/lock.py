"""Write requirements.lock: all that pallink and its extra `keyvault` need and are built with, with hashes.

`python -m tools.lock`, with uv on the PATH. The versions are those of constraints.txt; the one file is for all systems
and Python versions.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

# Not from tools.program, which imports pallink: this module also runs where pallink is not installed.
ROOT = Path(__file__).parent.parent
PATH = ROOT / "requirements.lock"
CONSTRAINTS = ROOT / "constraints.txt"

_HEADER = """\
# Made by `python -m tools.lock` from pyproject.toml and constraints.txt; see SECURITY.md. To install:
#     pip install --require-hashes -r requirements.lock && pip install --no-deps --no-build-isolation .
"""
_LINE = re.compile(r"^([a-z0-9-]+==[^\\\n]+)", re.MULTILINE)


def requirements(path: Path = PATH) -> list[Requirement]:
    """Return what a lock or constraints file pins: names, versions and environment markers."""
    return [Requirement(line.strip()) for line in _LINE.findall(path.read_text("utf-8"))]


def main() -> int:
    """Write the lock, and return uv's exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder) / "build.in"
        build.write_text("".join(f"{requirement}\n" for requirement in project["build-system"]["requires"]))
        compiled = subprocess.run(  # noqa: S603 - the arguments are constants and our own paths
            [
                *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
                *("--no-header", "--no-annotate", "--constraint", str(CONSTRAINTS), "--extra", "keyvault"),
                *(str(ROOT / "pyproject.toml"), str(build)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if compiled.returncode == 0:
        PATH.write_text(_HEADER + compiled.stdout, encoding="utf-8", newline="\n")
    return compiled.returncode


if __name__ == "__main__":
    sys.exit(main())
