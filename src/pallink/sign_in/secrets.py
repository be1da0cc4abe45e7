"""The secrets that an environment holds, whether a sign-in uses them or not. Pure."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from pallink.account import is_guid
from pallink.sign_in.methods import CERTIFICATE_PASSWORD, CLIENT, GITHUB_TOKEN, PIPELINES_TOKEN, SECRET, TENANT

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
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def secrets_in(environ: Mapping[str, str]) -> Iterator[str]:
    """Every secret in the environment's variables, passwords of proxies included."""
    # An ID that somebody took for the secret: it stands in every result.
    ids = {each for each in (environ.get(TENANT), environ.get(CLIENT)) if each and is_guid(each)}
    for name in _NAMES:
        if (value := environ.get(name)) and value not in ids:
            yield value
    for name in _PROXIES:
        for each in (name, name.lower()):
            yield from _password_in(environ.get(each, ""))


def _password_in(url: str) -> Iterator[str]:
    """The password in a URL, as it stands there and decoded."""
    try:
        password = urlsplit(url if "://" in url else f"//{url}").password
    except ValueError:
        # No URL: whatever stands before the last @ may hold it.
        password = url.rpartition("@")[0].rpartition("/")[2].partition(":")[2]
    if password:
        yield password
        yield unquote(password)
