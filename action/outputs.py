"""Set the result of a pallink command as the outputs of a step in GitHub Actions or Azure Pipelines.

    outputs.py RESULT_FILE EXIT_CODE PARTNER_ID REPORT_FILE

The outputs are `linked`, `partner-id`, `partner-name`, `exit-code` and `report`. In Azure Pipelines their names have
underscores instead of hyphens.
"""

import json
import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pallink.redact.text import one_line

# The exit codes that mean that the account does not have this link.
_NOT_LINKED, _LINKED_ELSEWHERE = 3, 5


def outputs(result: Mapping[str, Any] | None, exit_code: int, partner_id: str, report: str) -> dict[str, str]:
    """Return the outputs as text, without what controls a terminal or a CI system; unknown values are empty.

    Args:
        result: The object that pallink printed; None if it printed none.
        exit_code: pallink's exit code.
        partner_id: The expected partner.
        report: The path of the JUnit report; empty if none was written.
    """
    found = result or {}
    linked = ""
    if exit_code in (_NOT_LINKED, _LINKED_ELSEWHERE):
        linked = "false"
    elif "partnerId" in found:
        linked = "true" if found["partnerId"] == partner_id and not found.get("dryRun") else "false"
    return {
        "linked": linked,
        "partner-id": one_line(str(found.get("partnerId") or "")),
        "partner-name": one_line(str(found.get("partnerName") or "")),
        "exit-code": str(exit_code),
        "report": report,
    }


def for_github(values: Mapping[str, str]) -> str:
    """Return the text for the file that GITHUB_OUTPUT names, with a random delimiter: a path may have line breaks."""
    end = f"end-{uuid.uuid4()}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())


def for_azure_pipelines(values: Mapping[str, str]) -> str:
    """Return the logging commands that set output variables of an Azure Pipelines step."""

    def escaped(value: str) -> str:
        return value.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")

    return "".join(
        f"##vso[task.setvariable variable={name.replace('-', '_')};isoutput=true]{escaped(value)}\n"
        for name, value in values.items()
    )


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def main(result_file: str, exit_code: str, partner_id: str, report: str) -> None:
    """Write the outputs for the CI system that runs this script."""
    written = report if report and Path(report).is_file() else ""
    values = outputs(_read(Path(result_file)), int(exit_code), partner_id, written)
    if github := os.environ.get("GITHUB_OUTPUT"):
        with Path(github).open("a", encoding="utf-8", newline="\n") as file:
            file.write(for_github(values))
    if os.environ.get("TF_BUILD"):
        sys.stdout.write(for_azure_pipelines(values))


if __name__ == "__main__":
    main(*sys.argv[1:])
