"""The few pages that people see in a browser. They work without JavaScript, and load nothing."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from pallink.sandbox.http.messages import Response

_SUBMIT = "document.forms[0].submit()"
_STYLE = "body{font:1rem system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}li{margin:.5rem 0}"


def choose_account(
    *, program: str, tenant: str | None, accounts: Sequence[tuple[str, str, str]], cancel: str
) -> Response:
    """Returns the page that asks who signs in.

    Args:
        program: Who asks for it.
        tenant: Where; None: wherever the account is at home.
        accounts: Name, display name and link of each.
        cancel: A link for whoever does not want to.
    """
    items = "".join(
        f'<li><a href="{escape(link)}">{escape(name)}</a> ({escape(display_name)})</li>'
        for name, display_name, link in accounts
    )
    where = f" in {escape(tenant)}" if tenant else ""
    return _page(
        "Sign in to the sandbox",
        f"<p>{escape(program)} asks you to sign in{where}. Nobody here has a password. Who are you?</p>"
        f'<ul>{items}</ul><p><a href="{escape(cancel)}">Cancel</a></p>',
    )


def post(action: str, fields: Mapping[str, str]) -> Response:
    """Returns the page that brings an answer to a program: a form, which posts itself where JavaScript is on.

    Args:
        action: Where the program waits.
        fields: The answer.
    """
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    return _page(
        "Working...",
        f'<form method="post" action="{escape(action)}">{inputs}<p>One more step, where JavaScript is off:</p>'
        f'<button type="submit">Continue</button></form><script>{_SUBMIT}</script>',
    )


def ask_device_code(action: str, accounts: Sequence[tuple[str, str]], problem: str = "") -> Response:
    """Returns the page that asks for a device code.

    Args:
        action: Where the answer is posted.
        accounts: Name and display name of each.
        problem: What was wrong with the last answer; empty for the first.
    """
    options = "".join(
        f'<li><label><input type="radio" name="account" value="{escape(name)}" required>'
        f" {escape(name)} ({escape(display_name)})</label></li>"
        for name, display_name in accounts
    )
    warning = f'<p role="alert"><strong>{escape(problem)}</strong></p>' if problem else ""
    return _page(
        "Enter the code",
        f'{warning}<form method="post" action="{escape(action)}"><p><label>The code that the program shows: '
        f'<input name="code" autocomplete="off" required autofocus></label></p><ul>{options}</ul>'
        '<p><button name="answer" value="approve">Sign in</button> '
        '<button name="answer" value="deny">Decline</button></p></form>',
        status=400 if problem else 200,
    )


def done(message: str) -> Response:
    """Returns a page that says how it ended."""
    return _page("Done", f"<p>{escape(message)}</p><p>You can close this window.</p>")


def _page(title: str, body: str, *, status: int = 200) -> Response:
    # The address bar may hold the request of a sign-in, and the page a code: neither goes anywhere else.
    policy = f"default-src 'none'; style-src {_digest(_STYLE)}; script-src {_digest(_SUBMIT)}; frame-ancestors 'none'"
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    document = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )
    return Response(status, headers, document.encode())


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
