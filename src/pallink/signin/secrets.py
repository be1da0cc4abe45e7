"""The secrets in the environment's variables, whether a sign-in uses them or not."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from pallink.account import is_guid
from pallink.signin import variables

_SECRET_VARIABLES = (
    variables.CLIENT_SECRET,
    variables.CERTIFICATE_PASSWORD,
    variables.GITHUB_REQUEST_TOKEN,
    variables.PIPELINES_ACCESS_TOKEN,
    # Hosts with a managed identity.
    "IDENTITY_HEADER",
    "MSI_SECRET",
    # The Azure CLI, Terraform and CI systems.
    "AZURE_PASSWORD",
    "ARM_CLIENT_SECRET",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
)
_ID_VARIABLES = (variables.TENANT_ID, variables.CLIENT_ID)
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_HOST_DELIMITERS = re.compile(r"[/?#]")


def environment_secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every secret in the environment's variables, including passwords of proxies."""
    # A tenant or client ID that was set as the secret by mistake: every result contains it.
    ids = {identifier for name in _ID_VARIABLES if is_guid(identifier := environ.get(name, ""))}
    for name in _SECRET_VARIABLES:
        if (value := environ.get(name)) and value not in ids:
            yield value
    for name in _PROXY_VARIABLES:
        for spelling in (name, name.lower()):
            yield from credentials_in_url(environ.get(spelling, ""))


def credentials_in_url(url: str) -> Iterator[str]:
    """Yield a URL's password as written and percent-decoded, whole and in parts.

    The parts are for a password with a slash, a question mark or a number sign that should have been encoded: URL
    parsers end the host there, and report the rest as an invalid port or as a path.
    """
    before = url.rpartition("@")[0]
    credentials = before.partition("//")[2] if "//" in before else before
    user, colon, password = credentials.partition(":")
    if not colon:
        return  # A user name alone is not a secret, and may be an ordinary word.
    parts = [credentials, password]
    if _HOST_DELIMITERS.search(password):
        pieces = _HOST_DELIMITERS.split(password)
        parts += [f"{user}:{pieces[0]}", *pieces]
    for secret in filter(None, parts):
        yield secret
        if unquote(secret) != secret:
            yield unquote(secret)
