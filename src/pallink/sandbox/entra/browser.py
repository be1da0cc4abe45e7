"""A person at a browser, for sign-ins in process, where no real browser can open the sandbox's pages.

It reads the pages as they are: it follows the link of an account, and posts the form with the answer to the program.
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
    """A browser that shows the sandbox's pages to a person who knows what to choose.

    Its `open` fits in the place of `webbrowser.open`.

    Args:
        sandbox: Whose pages it shows.
        account: Whom the person chooses; None: the first on the page, which is whom the program hints at.
    """

    def __init__(self, sandbox: Sandbox, account: str | None = None) -> None:
        self._sandbox = sandbox
        self._account = account

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002 - webbrowser's
        """Signs in at a page of the sandbox's, and brings the answer to the program, which waits on this machine.

        The answer is brought in a thread of its own: the program may begin to listen after this has returned.

        Returns:
            Whether there was an answer to bring.

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
            return _bring(response.headers["Location"], None)
        if page.action is not None:
            return _bring(page.action, urlencode(page.fields))
        return False


class _Page(HTMLParser):
    """What there is on a page: links, and one form."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._href: str | None = None
        if response.headers.get("Content-Type", "").startswith("text/html"):
            self.feed(response.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a link, a form or a field of it."""
        found = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._href = found.get("href")
        elif tag == "form":
            self.action = found.get("action")
        elif tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found["value"]

    def handle_data(self, data: str) -> None:
        """Notes the text of a link."""
        if self._href is not None:
            self.links.append((self._href, data))
            self._href = None


def _bring(url: str, form: str | None) -> bool:
    """Sends an answer to a program on this machine, and to no other; `form` is posted, None: the URL is fetched."""
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
        return  # The program has gone; a browser would show that to the person.
    finally:
        connection.close()
