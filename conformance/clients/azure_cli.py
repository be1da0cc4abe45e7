"""The Azure CLI as it is, `az rest` in place of its extension `managementpartner`. Prints each step's answer.

What az prints goes to stderr as it is; stdout has the lines for run.py.
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
    """Run az, which has to succeed; return its stdout."""
    code, out, err = az(*words)
    if code:
        raise SystemExit(f"az {words[0]} ended with {code}: {err}")
    return out


def tell(step: str, method: str, path: str) -> None:
    """Print what `az rest` gives, as one line of JSON."""
    code, out, err = az("rest", "--method", method, "--url", f"{path}{VERSION}")
    if code == 0:
        print(json.dumps({"step": step, "answer": json.loads(out) if out.strip() else None}))
        return
    found = re.search(r"ERROR: ([A-Za-z ]+)\((\{.*\})\)", err)
    if found is None:
        raise SystemExit(f"az rest ended with {code}: {err}")
    print(json.dumps({"step": step, "status": STATUSES.get(found[1]), "code": json.loads(found[2])["code"]}))


def main() -> None:
    """Take the steps."""
    must("cloud", "register", "--name", "sandbox", "--endpoint-resource-manager", ORIGIN)
    must("cloud", "set", "--name", "sandbox")
    must("login", "--service-principal", *SIGN_IN, "--tenant", os.environ["AZURE_TENANT_ID"])
    account = json.loads(must("account", "show"))
    print(json.dumps({"step": "account", "answer": {"user": account["user"]["name"], "tenant": account["tenantId"]}}))
    listed = json.loads(must("role", "assignment", "list", "--assignee", APPLICATION, "--all", "--include-inherited"))
    print(json.dumps({"step": "roles", "answer": [each["roleDefinitionName"] for each in listed]}))
    tell("show, not linked", "get", PARTNERS)
    tell("create 719878", "put", f"{PARTNERS}/719878")
    tell("show", "get", f"{PARTNERS}/")
    tell("show 719878", "get", f"{PARTNERS}/719878")
    tell("show 6183402", "get", f"{PARTNERS}/6183402")
    tell("create 6183402, linked already", "put", f"{PARTNERS}/6183402")
    tell("update 1234567, nobody's", "patch", f"{PARTNERS}/1234567")
    tell("update 6183402", "patch", f"{PARTNERS}/6183402")
    tell("delete 6183402", "delete", f"{PARTNERS}/6183402")
    tell("show, deleted", "get", PARTNERS)
    operations = json.loads(must("rest", "--url", f"/providers/Microsoft.ManagementPartner/operations{VERSION}"))
    print(json.dumps({"step": "operations", "answer": {"count": len(operations["value"])}}))
    must("logout")
    must("login", "--use-device-code")  # Which the sandbox answers by itself, as its default account.
    account = json.loads(must("account", "show"))
    print(json.dumps({"step": "account of a person", "answer": account["user"]}))
    must("logout")


if __name__ == "__main__":
    main()
