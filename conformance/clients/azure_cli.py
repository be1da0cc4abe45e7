"""Take the steps with the unmodified Azure CLI, with `az rest` instead of its `managementpartner` extension.

az's output goes to stderr; stdout has one line of JSON per step, for run.py.
"""

import json
import os
import re
import subprocess
import sys

PARTNERS = "/providers/Microsoft.ManagementPartner/partners"
VERSION = "?api-version=2018-02-01"
ORIGIN = os.environ["SANDBOX_ORIGIN"]
APPLICATION = os.environ["AZURE_CLIENT_ID"]
SIGN_IN = ["--username", APPLICATION, "--password", os.environ["AZURE_CLIENT_SECRET"]]
STATUSES = {"Bad Request": 400, "Not Found": 404, "Conflict": 409}


def az(*words: str) -> tuple[int, str, str]:
    """Run az; return its exit code, stdout and stderr."""
    shown = " ".join(f'"{word}"' if " " in word else word for word in words if word != SIGN_IN[3])
    done = subprocess.run([os.environ["AZ"], *words], capture_output=True, text=True, check=False)
    sys.stderr.write(f"$ az {shown}\n{done.stdout}{done.stderr}")
    sys.stderr.flush()
    return done.returncode, done.stdout, done.stderr


def must(*words: str) -> str:
    """Run az and return its stdout; exit if it fails."""
    code, out, err = az(*words)
    if code:
        raise SystemExit(f"az {words[0]} exited with {code}: {err}")
    return out


def report(step: str, method: str, path: str) -> None:
    """Print the result of `az rest` as one line of JSON."""
    code, out, err = az("rest", "--method", method, "--url", f"{path}{VERSION}")
    if code == 0:
        print(json.dumps({"step": step, "result": json.loads(out) if out.strip() else None}))
        return
    found = re.search(r"ERROR: ([A-Za-z ]+)\((\{.*\})\)", err)
    if found is None:
        raise SystemExit(f"az rest exited with {code}: {err}")
    print(json.dumps({"step": step, "status": STATUSES.get(found[1]), "code": json.loads(found[2])["code"]}))


def register_and_sign_in() -> None:
    """Point az at the sandbox, and sign the application in."""
    must("cloud", "register", "--name", "sandbox", "--endpoint-resource-manager", ORIGIN)
    must("cloud", "set", "--name", "sandbox")
    must("login", "--service-principal", *SIGN_IN, "--tenant", os.environ["AZURE_TENANT_ID"])


def main() -> None:
    """Take the steps."""
    register_and_sign_in()
    account = json.loads(must("account", "show"))
    print(json.dumps({"step": "account", "result": {"user": account["user"]["name"], "tenant": account["tenantId"]}}))
    listed = json.loads(must("role", "assignment", "list", "--assignee", APPLICATION, "--all", "--include-inherited"))
    print(json.dumps({"step": "roles", "result": [assignment["roleDefinitionName"] for assignment in listed]}))
    report("show, not linked", "get", PARTNERS)
    report("create 719878", "put", f"{PARTNERS}/719878")
    report("show", "get", f"{PARTNERS}/")
    report("show 719878", "get", f"{PARTNERS}/719878")
    report("show 6183402", "get", f"{PARTNERS}/6183402")
    report("create 6183402, already linked", "put", f"{PARTNERS}/6183402")
    report("update 1234567, unknown", "patch", f"{PARTNERS}/1234567")
    report("update 6183402", "patch", f"{PARTNERS}/6183402")
    report("delete 6183402", "delete", f"{PARTNERS}/6183402")
    report("show, deleted", "get", PARTNERS)
    operations = json.loads(must("rest", "--url", f"/providers/Microsoft.ManagementPartner/operations{VERSION}"))
    print(json.dumps({"step": "operations", "result": {"count": len(operations["value"])}}))
    must("logout")
    must("login", "--use-device-code")  # The sandbox approves it as its default account.
    account = json.loads(must("account", "show"))
    print(json.dumps({"step": "account of a person", "result": account["user"]}))
    must("logout")


if __name__ == "__main__":
    main()
