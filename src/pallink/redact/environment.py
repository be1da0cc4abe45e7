"""The secrets in environment variables, whether or not a sign-in method uses them."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

# What azure-identity, hosts with a managed identity, the Azure CLI, Terraform and CI systems read secrets from.
_SECRETS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
    "ARM_CLIENT_SECRET",
    "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "servicePrincipalKey",
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "SYSTEM_ACCESSTOKEN",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_IDS = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")

_ID = re.compile(r"[0-9a-f-]{36}", re.IGNORECASE)
# Where a parser of URLs ends a host. It reports what is before it as an invalid host.
_END_OF_HOST = re.compile(r"[/?#]")
# Characters. A shorter part may be an ordinary word.
_MIN_PART = 16


def environment_secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the value of each variable that holds a secret, and the credentials in the URLs of proxies.

    A secret may stand in another variable's URL by mistake, so one with a slash is also yielded in parts.
    """
    # An ID that was mistaken for the secret is part of every result.
    ids = {environ[name] for name in _IDS if _ID.fullmatch(environ.get(name, ""))}
    for name in _SECRETS:
        if environ.get(name) and environ[name] not in ids:
            yield environ[name]
            yield from (part for part in _END_OF_HOST.split(environ[name]) if len(part) >= _MIN_PART)
    for name in _PROXIES:
        for spelling in (name, name.lower()):
            yield from credentials_in_url(environ.get(spelling, ""))


def credentials_in_url(url: str) -> Iterator[str]:
    """Yield the password in a URL, with and without the user name, as it stands there and percent-decoded.

    A slash, question mark or number sign in a password should have been encoded, so such a password is also yielded in
    parts.
    """
    before_host = url.rpartition("@")[0]
    credentials = before_host.partition("//")[2] if "//" in before_host else before_host
    user, colon, password = credentials.partition(":")
    if not colon:
        return  # A user name alone is no secret.
    parts = _END_OF_HOST.split(password)
    texts = [credentials, password]
    if len(parts) > 1:
        texts += [f"{user}:{parts[0]}", *parts]
    for text in filter(None, texts):
        yield text
        if unquote(text) != text:
            yield unquote(text)
