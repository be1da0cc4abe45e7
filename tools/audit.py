"""Asks pip-audit whether a vulnerability is known of what requirements.lock pins: `python -m tools.audit`.

pip-audit passes over what its service does not know, and ends well when that is everything: here it counts as not
audited, which is no success and no failure.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tools.lock import PATH, requirements

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 77
"""Exit codes; 77 is what test runners take for "skipped"."""


def verdict(report: Mapping[str, Any] | None, expected: int) -> tuple[int, str]:
    """Exit code and sentence for a report of pip-audit's.

    Args:
        report: its JSON; None where there is none.
        expected: how many distributions the lock has.
    """
    if report is None:
        return NOT_AUDITED, "not audited: the service that knows vulnerabilities cannot be reached from here"
    found = report["dependencies"]
    vulnerable = [each for each in found if each.get("vulns")]
    if vulnerable:
        names = [f"{each['name']} {each['version']} ({each['vulns'][0]['id']})" for each in vulnerable]
        return VULNERABLE, f"vulnerable: {', '.join(names)}"
    audited = [each for each in found if "vulns" in each]
    if len(audited) < expected:
        return NOT_AUDITED, f"not audited: the service knows {len(audited)} of {expected} distributions"
    return CLEAN, f"audited: no vulnerability is known of {len(audited)} distributions"


def main() -> int:
    """Run pip-audit and say what it found."""
    done = subprocess.run(  # noqa: S603 - its words are ours
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
    # What is for another system is in the lock, and not in the report.
    here = [each for each in requirements() if each.marker is None or each.marker.evaluate()]
    code, said = verdict(report, len(here))
    print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
