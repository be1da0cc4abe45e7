"""Every command of the program, taken from the program, and how a test calls each."""

import json
import tempfile

from pallink.sandbox import ORIGIN, Request, Sandbox, home
from tools.program import ROOT, commands

_ELIGIBLE = "--assignee-object-id 5a0c8b7e-0b0e-4c53-9d43-2f9b7c1d6a01"
_OWNER = "--account owner@contoso.com"
_SCOPE = "--scope /subscriptions/0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"


# What a command needs to do its job in the sandbox, after `link 719878`; a command that is not named needs nothing.
ARGUMENTS = {
    "login": "--allow-plain-text-cache",
    "link": "719878",
    "update": "6183402",
    "verify": "719878",
    "unlink": "--yes",
    "role assign": f"--to svc_approvers@contoso.com --management-group workloads {_OWNER} --yes",
    "role remove": f"--to svc_approvers@contoso.com --management-group workloads {_OWNER} --yes",
    "role show": f"--to invoices@contoso.com {_OWNER}",
    "fleet validate": str(ROOT / "examples" / "fleet.yaml"),
    "fleet plan": f"{ROOT / 'examples' / 'fleet.yaml'} --exclude name=onboarding",
    "fleet apply": f"{ROOT / 'examples' / 'fleet.yaml'} --exclude name=onboarding --yes",
    "fleet verify": f"{ROOT / 'examples' / 'fleet.yaml'} --select name=invoices*",
    "fleet check": f"{ROOT / 'examples' / 'fleet.yaml'} --select name=invoices*",
    "fleet discover": "719878 {new}/fleet.yaml",
    "sandbox set": "provider registered",
    "sandbox env": "client-secret",
    "sandbox grow": "0",
    "sandbox guest-policy": "mfa fabrikam.onmicrosoft.com",
    "sandbox revoke-sessions": "invoices@contoso.com",
    "sandbox fault add": "closed --method DELETE",
    "sandbox assign": "--assignee-object-id 0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3",
    "sandbox activate": f"{_ELIGIBLE} {_SCOPE}",
    "sandbox approve": "{code}",
    "sandbox serve": "--port 0",
}


COMMANDS = commands()


def words_for(name: str) -> list[str]:
    """The words of a command line that does the command's job in the sandbox."""
    arguments = ARGUMENTS.get(name, "")
    if "{new}" in arguments:
        arguments = arguments.format(new=tempfile.mkdtemp())
    if "{code}" in arguments:
        arguments = arguments.format(code=_device_code())
    words = [*name.split(), *arguments.split()]
    signs_in = any(parameter.name == "cloud" for parameter in COMMANDS[name].params)
    return [*words, "--cloud", "sandbox"] if signs_in else words


def _device_code() -> str:
    """A code that waits for an answer."""
    body = b"client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&scope=https%3A%2F%2Fsandbox.invalid%2F.default"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = Sandbox(home()).handle(Request("POST", f"{ORIGIN}/organizations/oauth2/v2.0/devicecode", headers, body))
    return str(json.loads(answer.body)["user_code"])
