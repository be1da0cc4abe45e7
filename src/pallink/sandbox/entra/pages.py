"""The HTML pages of a sign-in. They work without JavaScript, and load no other resource."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from pallink.sandbox.http.messages import Response

_SUBMIT = "document.forms[0].submit()"
_STYLE = "body{font:1rem system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}li{margin:.5rem 0}"


def render_account_picker(
    *, client: str, tenant: str | None, accounts: Sequence[tuple[str, str, str]], cancel: str
) -> Response:
    """Return the page to choose an account on.

    Args:
        client: The display name of the client.
        tenant: The display name of the tenant; None means the account's home tenant.
        accounts: The name, display name and link of every account.
        cancel: The link that cancels the sign-in.
    """
    items = "".join(
        f'<li><a href="{escape(link)}">{escape(name)}</a> ({escape(display_name)})</li>'
        for name, display_name, link in accounts
    )
    where = f" in {escape(tenant)}" if tenant else ""
    return _page(
        "Sign in to the sandbox",
        f"<p>{escape(client)} asks you to sign in{where}. Accounts of the sandbox have no password: choose one.</p>"
        f'<ul>{items}</ul><p><a href="{escape(cancel)}">Cancel</a></p>',
    )


def render_form_post(action: str, fields: Mapping[str, str]) -> Response:
    """Return the page of response mode `form_post`: a form that submits itself where JavaScript is enabled.

    Args:
        action: The redirect URI.
        fields: The parameters of the authorization response.
    """
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    return _page(
        "Working...",
        f'<form method="post" action="{escape(action)}">{inputs}<p>Continue to finish signing in:</p>'
        f'<button type="submit">Continue</button></form><script>{_SUBMIT}</script>',
    )


def render_device_code_form(action: str, accounts: Sequence[tuple[str, str]], problem: str = "") -> Response:
    """Return the page to enter a device code on.

    Args:
        action: The URL that the form is posted to.
        accounts: The name and display name of every account.
        problem: The error of the previous attempt; empty for the first.
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


def render_confirmation(message: str) -> Response:
    """Return the page that ends a sign-in with a message."""
    return _page("Done", f"<p>{escape(message)}</p><p>You can close this window.</p>")


def _page(title: str, body: str, *, status: int = 200) -> Response:
    # The URL may hold a sign-in request, and the page a code: the headers keep both from other sites.
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
