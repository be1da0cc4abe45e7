"""Check what requirements.lock pins for known vulnerabilities, with pip-audit: `python -m tools.audit`.

pip-audit skips what its service does not know, and succeeds even if that is everything. Here that counts as not
audited, which is neither success nor failure.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tools.lock import PATH, requirements

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 77
"""Exit codes; 77 is what test runners take as "skipped"."""


def verdict(report: Mapping[str, Any] | None, expected: int) -> tuple[int, str]:
    """Return the exit code and the sentence for a report of pip-audit.

    Args:
        report: Its JSON; None if there is none.
        expected: The number of distributions in the lock.
    """
    if report is None:
        return NOT_AUDITED, "not audited: the vulnerability service cannot be reached"
    distributions = report["dependencies"]
    vulnerable = [found for found in distributions if found.get("vulns")]
    if vulnerable:
        names = [f"{found['name']} {found['version']} ({found['vulns'][0]['id']})" for found in vulnerable]
        return VULNERABLE, f"vulnerable: {', '.join(names)}"
    audited = [found for found in distributions if "vulns" in found]
    if len(audited) < expected:
        return NOT_AUDITED, f"not audited: the vulnerability service knows {len(audited)} of {expected} distributions"
    return CLEAN, f"audited: no known vulnerability in {len(audited)} distributions"


def main() -> int:
    """Run pip-audit, print its verdict, and return the exit code."""
    done = subprocess.run(  # noqa: S603 - the arguments are constants
        [
            *(sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"),
            *("--require-hashes", "--disable-pip", "--requirement", str(PATH)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = None
        print(done.stderr[-2000:], file=sys.stderr)
    # The lock also has distributions for other systems, which the report leaves out.
    applicable = [pin for pin in requirements() if pin.marker is None or pin.marker.evaluate()]
    code, sentence = verdict(report, len(applicable))
    print(sentence)
    return code


if __name__ == "__main__":
    sys.exit(main())
