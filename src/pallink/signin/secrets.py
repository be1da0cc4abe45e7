"""The secrets that an environment holds, whether a sign-in uses them or not. Pure."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from pallink.account import is_guid
from pallink.signin.methods import CERTIFICATE_PASSWORD, CLIENT, GITHUB_TOKEN, PIPELINES_TOKEN, SECRET, TENANT

# Beside those of the sign-in methods: what hosts with a managed identity set, what the Azure CLI and CI systems read.
_NAMES = (
    SECRET,
    CERTIFICATE_PASSWORD,
    GITHUB_TOKEN,
    PIPELINES_TOKEN,
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "AZURE_PASSWORD",
    "ARM_CLIENT_SECRET",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
)
_ENDS_A_HOST = re.compile(r"[/?#]")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def environment_secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Every secret in the environment's variables, passwords of proxies included."""
    # An ID that somebody took for the secret: it stands in every result.
    ids = {each for each in (environ.get(TENANT), environ.get(CLIENT)) if each and is_guid(each)}
    for name in _NAMES:
        if (value := environ.get(name)) and value not in ids:
            yield value
    for name in _PROXIES:
        for each in (name, name.lower()):
            yield from credentials_in_url(environ.get(each, ""))


def credentials_in_url(url: str) -> Iterator[str]:
    """The password before the last @ of a URL, whole and in the pieces that parsers take it for; also decoded.

    A password with a slash or a number sign in it, which should have been encoded, ends the host for a parser: it is
    told as a port that is none, or as a path.
    """
    before = url.rpartition("@")[0]
    credentials = before.partition("//")[2] if "//" in before else before
    user, colon, password = credentials.partition(":")
    if not colon:
        return  # A user name alone is no secret, and may be a word.
    pieces = [credentials, password]
    if _ENDS_A_HOST.search(password):
        pieces += [f"{user}:{_ENDS_A_HOST.split(password)[0]}", *_ENDS_A_HOST.split(password)]
    for each in filter(None, pieces):
        yield each
        if unquote(each) != each:
            yield unquote(each)
