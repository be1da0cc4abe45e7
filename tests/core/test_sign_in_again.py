"""The command that signs in again: complete, and only where it helps."""

from dataclasses import replace

import pytest

from pallink.account import Account, AccountKind, require_account
from pallink.errors import MoreProofNeededError, NewSignIn, SignInError, WrongAccountError
from pallink.settings import Settings
from pallink.signin import SignIn, SignInMethod, sign_in_from_stored
from pallink.signin.again import explain_wrong_account, sign_in_command, with_sign_in_command
from tests.core.test_sign_in_choice import AS_GUEST, CLIENT, FABRIKAM, INVOICES, TENANT

EXPIRED = SignInError("expired", new_sign_in=NewSignIn.SAME)
NEEDS_BROWSER = SignInError("no device", new_sign_in=NewSignIn.BROWSER)
CHALLENGED = MoreProofNeededError("more", new_sign_in=NewSignIn.SAME).replace(claims='{"a":"?>"}')


def made(method: SignInMethod, tenant: str | None = None) -> SignIn:
    return SignIn(method, "a reason", tenant=tenant)


STORED = sign_in_from_stored(INVOICES, "it is stored")
BY_CUSTOM_APPLICATION = sign_in_from_stored(
    replace(AS_GUEST, client_id=CLIENT, auth="device-code", plain_text=True), "it is stored"
)


@pytest.mark.parametrize(
    ("settings", "sign_in", "error", "command"),
    [
        (Settings(), None, EXPIRED, "pallink login"),
        (Settings(), made(SignInMethod.BROWSER), EXPIRED, "pallink login"),
        (
            Settings(account="invoices@contoso.com", tenant="contoso.com", client_id=CLIENT, auth="device-code"),
            made(SignInMethod.DEVICE_CODE),
            EXPIRED,
            (
                f"pallink login --account invoices@contoso.com --tenant contoso.com --client-id {CLIENT}"
                " --auth device-code"
            ),
        ),
        (
            Settings(account="invoices@contoso.com", auth="client-secret"),
            None,
            EXPIRED,
            "pallink login --account invoices@contoso.com",
        ),
        (
            Settings(auth="device-code"),
            made(SignInMethod.DEVICE_CODE),
            NEEDS_BROWSER,
            "pallink login --auth browser",
        ),
        (
            Settings(),
            STORED,
            EXPIRED,
            f"pallink login --account invoices@contoso.com --tenant {TENANT} --auth browser",
        ),
        (
            Settings(),
            BY_CUSTOM_APPLICATION,
            NEEDS_BROWSER,
            (
                "pallink login --allow-plain-text-cache --account invoices@contoso.com"
                f" --tenant {FABRIKAM} --client-id {CLIENT} --auth browser"
            ),
        ),
        (
            Settings(tenant="fabrikam.onmicrosoft.com"),
            sign_in_from_stored(
                replace(AS_GUEST, account="invoices_contoso.com#EXT#@fabrikam.onmicrosoft.com"), "it is stored"
            ),
            EXPIRED,
            "pallink login --account invoices@contoso.com --tenant fabrikam.onmicrosoft.com --auth browser",
        ),
        (
            Settings(cloud="AzureUSGovernment"),
            made(SignInMethod.BROWSER),
            CHALLENGED,
            "pallink login --claims eyJhIjoiPz4ifQ --cloud AzureUSGovernment",
        ),
        (
            Settings(auth="azure-cli"),
            made(SignInMethod.AZURE_CLI, tenant="contoso.com"),
            CHALLENGED,
            (
                "az login --tenant contoso.com --claims-challenge eyJhIjoiPz4ifQ=="
                " --scope https://management.azure.com/.default"
            ),
        ),
        (Settings(), made(SignInMethod.AZURE_CLI), EXPIRED, "az login"),
        (Settings(), made(SignInMethod.CLIENT_SECRET), EXPIRED, None),
        (Settings(), made(SignInMethod.GITHUB), CHALLENGED, None),
        (Settings(), made(SignInMethod.MANAGED_IDENTITY), EXPIRED, None),
        (
            Settings(cloud="sandbox", account="invoices@contoso.com"),
            made(SignInMethod.SANDBOX_USER),
            NEEDS_BROWSER,
            "pallink login --cloud sandbox --account invoices@contoso.com",
        ),
        (
            Settings(cloud="sandbox", auth="device-code"),
            sign_in_from_stored(replace(INVOICES, cloud="sandbox", auth="device-code"), "it is stored"),
            NEEDS_BROWSER,
            f"pallink login --cloud sandbox --account invoices@contoso.com --tenant {TENANT}",
        ),
        (
            Settings(cloud="sandbox", account="invoices@contoso.com"),
            made(SignInMethod.SANDBOX_USER),
            EXPIRED,
            "pallink login --cloud sandbox --account invoices@contoso.com --auth device-code",
        ),
    ],
)
def test_the_command_has_the_options_of_this_run(
    settings: Settings, sign_in: SignIn | None, error: SignInError, command: str | None
) -> None:
    assert sign_in_command(settings, sign_in, error) == command
    assert with_sign_in_command(error, settings, sign_in).command == command


def test_an_error_that_a_sign_in_does_not_mend_gets_no_command() -> None:
    assert with_sign_in_command(SignInError("the account is disabled"), Settings(), STORED).command is None


def test_a_command_that_an_error_has_stays() -> None:
    known = EXPIRED.replace(command="az login")
    assert with_sign_in_command(known, Settings(), STORED) is known


USER = "invoices@contoso.com"
APPLICATION = Account(AccountKind.APPLICATION, CLIENT, "a423e88c-fb42-4a0f-bc27-18c0c8a37472", TENANT, CLIENT)
OTHER = "22222222-2222-4222-8222-222222222222"


@pytest.mark.parametrize(
    ("settings", "sign_in", "remedy"),
    [
        (Settings(account=OTHER), made(SignInMethod.CLIENT_SECRET), "correct AZURE_CLIENT_ID, or --account"),
        (Settings(account=OTHER, client_id=CLIENT), made(SignInMethod.GITHUB), "correct --client-id, or --account"),
        (
            Settings(account=OTHER, auth="azure-pipelines"),
            made(SignInMethod.AZURE_PIPELINES),
            "correct AZURESUBSCRIPTION_CLIENT_ID, or --account",
        ),
        (
            Settings(account=OTHER, auth="managed-identity"),
            made(SignInMethod.MANAGED_IDENTITY),
            "correct --client-id, or --account",
        ),
        (
            Settings(account=USER),
            made(SignInMethod.CERTIFICATE),
            "unset AZURE_CLIENT_ID, which signs in an application, or correct --account",
        ),
        (
            Settings(account=USER, auth="github"),
            made(SignInMethod.GITHUB),
            "correct --account, as --auth github signs in an application",
        ),
        (
            Settings(account=USER, auth="client-secret"),
            made(SignInMethod.CLIENT_SECRET),
            "leave out --auth client-secret, which signs in an application",
        ),
    ],
)
def test_the_wrong_application_is_not_told_to_sign_in_again(settings: Settings, sign_in: SignIn, remedy: str) -> None:
    with pytest.raises(WrongAccountError) as raised:
        require_account(APPLICATION, identifier=settings.account, tenant_id=None)
    explained = explain_wrong_account(raised.value, APPLICATION, sign_in, settings)
    assert (explained.remedy, explained.new_sign_in) == (remedy, None)
    assert with_sign_in_command(explained, settings, sign_in).command is None


@pytest.mark.parametrize(
    ("settings", "sign_in", "is_private_window"),
    [
        (Settings(account=USER), made(SignInMethod.BROWSER), True),
        (Settings(account=USER), made(SignInMethod.DEVICE_CODE), False),
        (Settings(account=USER), made(SignInMethod.AZURE_CLI), False),
        (Settings(account=USER), STORED, False),
    ],
)
def test_another_account_may_sign_in_again(settings: Settings, sign_in: SignIn, is_private_window: bool) -> None:
    with pytest.raises(WrongAccountError) as raised:
        require_account(APPLICATION, identifier=settings.account, tenant_id=None)
    explained = explain_wrong_account(raised.value, APPLICATION, sign_in, settings)
    assert explained.new_sign_in is NewSignIn.SAME
    assert ("private window" in (explained.remedy or "")) is is_private_window
