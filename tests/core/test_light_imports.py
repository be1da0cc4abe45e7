"""Help, the version and usage errors load nothing that is heavy."""

import subprocess
import sys

import pytest

HEAVY = ("azure", "msal", "msal_extensions", "cryptography", "jwt", "requests", "urllib3", "rich", "yaml", "jmespath")

PROGRAM = f"""
import sys
from pallink.cli.app import main
code = main(sys.argv[1:])
loaded = sorted(name for name in {HEAVY!r} if name in sys.modules)
print(f"loaded: {{loaded}}", file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["login", "--help"],
        ["logout", "--help"],
        ["whoami", "--help"],
        ["whoami", "--all", "-o", "json"],
        ["login", "--tenant", "no tenant"],
        ["login", "--client-secret", "x"],
        ["link", "abc"],
    ],
)
def test_nothing_heavy_is_loaded(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "loaded: []", done.stderr
