"""A simulated browser for sign-ins in process, where a real browser cannot open the sandbox's pages.

It parses the HTML: it follows the link of an account, and sends the result of the sign-in to the client.
"""

import threading
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urljoin, urlsplit

from pallink.sandbox.handler import Sandbox
from pallink.sandbox.http.messages import Request, Response

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT = 10.0  # Seconds.
_REDIRECT = 302


class Browser:
    """A browser whose user chooses one account.

    Its `open` has the signature of `webbrowser.open`.

    Args:
        sandbox: The sandbox to sign in to.
        account: The UPN of the account to choose; None means the first on the page, which is the hinted one.
    """

    def __init__(self, sandbox: Sandbox, account: str | None = None) -> None:
        self._sandbox = sandbox
        self._account = account

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002 - webbrowser's
        """Sign in at an authorize URL of the sandbox, and send the result to the client's loopback redirect URI.

        A separate thread sends the result, since the client may start to listen only after this returns.

        Returns:
            Whether there was a result to send.

        Raises:
            SandboxStateError: The sandbox's file cannot be used.
        """
        response = self._sandbox.handle(Request("GET", url))
        page = _Page(response)
        link = next((href for href, text in page.links if self._account in {None, text}), None)
        if link is not None:
            response = self._sandbox.handle(Request("GET", urljoin(url, link)))
            page = _Page(response)
        if response.status == _REDIRECT:
            return _deliver(response.headers["Location"], None)
        if page.action is not None:
            return _deliver(page.action, urlencode(page.fields))
        return False


class _Page(HTMLParser):
    """The links of a page, and its form if it has one."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._href: str | None = None
        if response.headers.get("Content-Type", "").startswith("text/html"):
            self.feed(response.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect a link, a form or a hidden field."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._href = attributes.get("href")
        elif tag == "form":
            self.action = attributes.get("action")
        elif tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"]] = attributes["value"]

    def handle_data(self, data: str) -> None:
        """Collect the text of a link."""
        if self._href is not None:
            self.links.append((self._href, data))
            self._href = None


def _deliver(url: str, form: str | None) -> bool:
    """Send the result of a sign-in to a loopback URL, and to no other; return whether it is sent.

    Args:
        url: The redirect URI of the client.
        form: The form to POST; None means a GET of the URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        return False
    threading.Thread(target=_send, args=(url, form), daemon=True).start()
    return True


def _send(url: str, form: str | None) -> None:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT)
    try:
        if form is None:
            connection.request("GET", target)
        else:
            connection.request("POST", target, form, {"Content-Type": "application/x-www-form-urlencoded"})
        connection.getresponse().read()
    except (OSError, HTTPException):
        return  # The client no longer listens; a real browser would show that to the user.
    finally:
        connection.close()
