"""Assign a role with the unmodified Azure CLI and with pallink, each seeing what the other did.

The output of both goes to stderr; stdout has one line of JSON per step, for run.py.
"""

import json
import os
import re
import subprocess
import sys
from typing import Any

from conformance.clients.azure_cli import az, must, register_and_sign_in

ORIGIN = os.environ["SANDBOX_ORIGIN"]
SCOPE = "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509"
ACCOUNT = "newhire@contoso.com"
OBJECT_ID = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"
ON_SCOPE = ["--role", "Reader", "--scope", SCOPE]
BY_ID = ["--assignee-object-id", OBJECT_ID, "--assignee-principal-type", "User"]


def pallink(*words: str) -> dict[str, Any]:
    """Run `pallink role` and return its one role assignment; empty if there is none."""
    command = [sys.executable, "-m", "pallink", "role", *words, "--cloud", ORIGIN, "-o", "json"]
    sys.stderr.write(f"$ pallink {' '.join(command[3:])}\n")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    sys.stderr.write(done.stdout)
    (row,) = json.loads(done.stdout)["assignments"] or [{}]
    return dict(row)


def report(step: str, result: object) -> None:
    """Print the result of a step as one line of JSON."""
    print(json.dumps({"step": step, "result": result}))


def refused(*words: str) -> str:
    """Run az and return the error code that it reports; its first words if it reports none."""
    code, _, err = az(*words)
    found = re.search(r"ERROR: \((\w+)\)", err) or re.search(r"ERROR: ((?:\w+ ?){4})", err)
    return found[1].strip() if code and found else f"exit code {code}"


def listed() -> list[dict[str, Any]]:
    """Return the role assignments of the account that az lists."""
    found: list[dict[str, Any]] = json.loads(
        must("role", "assignment", "list", "--assignee", ACCOUNT, "--scope", SCOPE)
    )
    return found


def main() -> None:
    """Take the steps."""
    register_and_sign_in()
    create = ["role", "assignment", "create", *ON_SCOPE]
    created = json.loads(must(*create, *BY_ID))
    report("az creates", [created["principalId"] == OBJECT_ID, created["principalType"]])
    report("az creates again", json.loads(must(*create, "--assignee", ACCOUNT))["id"] == created["id"])
    again = pallink("assign", "--to", ACCOUNT, "--scope", SCOPE, "--yes")
    report("pallink assigns what az created", [again["action"], again["id"] == created["id"]])
    removed = pallink("remove", "--to", OBJECT_ID, "--scope", SCOPE, "--yes")
    report("pallink removes what az created", [removed["action"], listed()])
    assigned = pallink("assign", "--to", ACCOUNT, "--scope", SCOPE, "--yes", "--wait")
    (seen,) = listed()
    report("az lists what pallink assigned", [seen["id"] == assigned["id"], seen["roleDefinitionName"]])
    report("az creates what pallink assigned", json.loads(must(*create, *BY_ID))["id"] == assigned["id"])
    must("role", "assignment", "delete", "--assignee", ACCOUNT, *ON_SCOPE)
    report("az deletes what pallink assigned", pallink("show", "--to", ACCOUNT, "--scope", SCOPE))
    report("az deletes again", refused("role", "assignment", "delete", "--assignee", ACCOUNT, *ON_SCOPE))
    unknown = ["--assignee-object-id", SCOPE.rpartition("/")[2], "--assignee-principal-type", "User"]
    report("an unknown account", refused(*create, *unknown))
    elsewhere = "/subscriptions/0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"
    report("no permission", refused("role", "assignment", "create", "--role", "Reader", "--scope", elsewhere, *BY_ID))
    nowhere = f"{SCOPE}/resourceGroups/nowhere"
    report("no such scope", refused("role", "assignment", "create", "--role", "Reader", "--scope", nowhere, *BY_ID))
    must("logout")


if __name__ == "__main__":
    main()
