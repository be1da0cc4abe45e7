"""Build the documentation as a site in build/site: `python -m tools.site`, with mkdocs-material installed.

The pages link to each other, and to files of the repository, as they do in a clone. So the site is built from a copy of
the tracked files, in which every link leads somewhere; one that does not fails the build.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "pages"
# What the pages link to.
COPIED = ("*.md", "docs", "examples", "azure-pipelines", "action.yml", "conformance", "LICENSE")


def copy_pages() -> None:
    """Copy the tracked files that the site consists of."""
    shutil.rmtree(PAGES, ignore_errors=True)
    command = ["git", "ls-files", "-z", *COPIED]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - fixed
    for name in filter(None, listed.split("\0")):
        target = PAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)


def main() -> int:
    """Build the site; a warning, such as a link that leads nowhere, is an error."""
    copy_pages()
    return subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict"], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
