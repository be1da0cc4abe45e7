import base64
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from pallink.account import (
    Account,
    AccountKind,
    account_from_token,
    is_guid,
    login_hint,
    require_account,
    require_home_account,
)
from pallink.errors import UnexpectedAnswerError, WrongAccountError
from pallink.exit_codes import ExitCode
from tests.core.samples import (
    CLIENT,
    INVOICES,
    OBJECT,
    OTHER_OBJECT,
    OTHER_TENANT,
    PIPELINE,
    TENANT,
    token_of,
    user_claims,
)

APPLICATION_CLAIMS = {"tid": TENANT, "oid": OBJECT, "idtyp": "app", "appid": CLIENT}
IDENTITY = "/subscriptions/1/resourcegroups/r/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
HOME = f"https://sts.windows.net/{TENANT}/"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
ELSEWHERE = f"https://sts.windows.net/{OTHER_TENANT}/"

arbitrary_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("claims", "kind", "name"),
    [
        pytest.param(user_claims(upn="A@contoso.com"), AccountKind.USER, "A@contoso.com", id="user"),
        pytest.param(
            user_claims(upn="a@contoso.com", idp=HOME), AccountKind.USER, "a@contoso.com", id="user with its own idp"
        ),
        pytest.param(
            user_claims(unique_name="a@contoso.com"), AccountKind.USER, "a@contoso.com", id="user by unique_name"
        ),
        pytest.param(
            {"tid": TENANT, "oid": OBJECT, "scp": "user_impersonation", "upn": "a@contoso.com"},
            AccountKind.USER,
            "a@contoso.com",
            id="user without idtyp",
        ),
        pytest.param(user_claims(), AccountKind.USER, OBJECT, id="user without any name"),
        pytest.param(
            user_claims(unique_name="a@partner.com", idp=ELSEWHERE),
            AccountKind.GUEST,
            "a@partner.com",
            id="guest by idp, without upn",
        ),
        pytest.param(
            user_claims(upn="a_partner.com#EXT#@contoso.onmicrosoft.com"),
            AccountKind.GUEST,
            "a_partner.com#EXT#@contoso.onmicrosoft.com",
            id="guest by upn",
        ),
        pytest.param(
            user_claims(upn="a_partner.com#ext#@contoso.com"),
            AccountKind.GUEST,
            "a_partner.com#ext#@contoso.com",
            id="guest by upn in lower case",
        ),
        pytest.param(
            user_claims(upn="old_partner.com#EXT#@contoso.com", unique_name="a_b@partner.com", idp=ELSEWHERE),
            AccountKind.GUEST,
            "a_b@partner.com",
            id="guest by upn and unique_name",
        ),
        pytest.param(user_claims(upn="a@contoso.com", acct=1), AccountKind.GUEST, "a@contoso.com", id="guest by acct"),
        pytest.param(
            user_claims(unique_name="live.com#a@outlook.com", idp="live.com"),
            AccountKind.GUEST,
            "live.com#a@outlook.com",
            id="guest with a personal account",
        ),
        pytest.param(
            user_claims(preferred_username="a@outlook.com", idp=f"https://sts.windows.net/{PERSONAL_TENANT}/"),
            AccountKind.GUEST,
            "live.com#a@outlook.com",
            id="guest with a personal account, by its tenant",
        ),
        pytest.param(
            user_claims(unique_name="mail#a@partner.com", idp="mail"),
            AccountKind.GUEST,
            "mail#a@partner.com",
            id="guest with a one-time passcode",
        ),
        pytest.param(APPLICATION_CLAIMS, AccountKind.APPLICATION, CLIENT, id="application"),
        pytest.param(
            {"tid": TENANT, "oid": OBJECT, "appid": CLIENT}, AccountKind.APPLICATION, CLIENT, id="without idtyp"
        ),
        pytest.param(
            {"tid": TENANT, "oid": OBJECT, "azp": CLIENT}, AccountKind.APPLICATION, CLIENT, id="v2 application"
        ),
        pytest.param(
            APPLICATION_CLAIMS | {"xms_mirid": IDENTITY}, AccountKind.MANAGED_IDENTITY, CLIENT, id="managed identity"
        ),
        pytest.param(
            {"tid": TENANT, "oid": OBJECT, "idtyp": "app"}, AccountKind.APPLICATION, OBJECT, id="without appid"
        ),
    ],
)
def test_who_a_token_was_issued_to(claims: Mapping[str, object], kind: AccountKind, name: str) -> None:
    account = account_from_token(token_of(claims))
    assert (account.kind, account.name) == (kind, name)
    assert (account.tenant_id, account.object_id) == (TENANT, OBJECT)


@pytest.mark.parametrize(
    ("kind", "is_user", "principal_type"),
    [
        (AccountKind.USER, True, "User"),
        (AccountKind.GUEST, True, "User"),
        (AccountKind.APPLICATION, False, "ServicePrincipal"),
        (AccountKind.MANAGED_IDENTITY, False, "ServicePrincipal"),
    ],
)
def test_kinds_in_the_words_of_role_assignments(kind: AccountKind, is_user: bool, principal_type: str) -> None:
    assert (kind.is_user, kind.principal_type) == (is_user, principal_type)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("opaque", id="one part"),
        pytest.param("a.b.c", id="no base64"),
        pytest.param("a.\u00fc.c", id="not ASCII"),
        pytest.param(f"a.{base64.urlsafe_b64encode(b'no JSON').decode()}.c", id="no JSON"),
        pytest.param(f"a.{base64.urlsafe_b64encode(bytes([0xFF, 0xFE, 0xFD])).decode()}.c", id="no text"),
        pytest.param(f"a.{base64.urlsafe_b64encode(b'[' * 100_000).decode()}.c", id="bottomless"),
        pytest.param(token_of([]), id="a list"),
        pytest.param(token_of(None), id="null"),
        pytest.param(token_of({}), id="no claims"),
        pytest.param(token_of({"tid": TENANT}), id="no object ID"),
        pytest.param(token_of({"oid": OBJECT}), id="no tenant"),
        pytest.param(token_of({"tid": "", "oid": OBJECT}), id="empty tenant"),
        pytest.param(token_of({"tid": 1, "oid": OBJECT}), id="number for a tenant"),
    ],
)
def test_what_does_not_say_whom_it_is_for_is_refused(token: str) -> None:
    with pytest.raises(UnexpectedAnswerError):
        account_from_token(token)


@given(st.text())
def test_no_text_crashes_the_reading_of_tokens(text: str) -> None:
    with pytest.raises(UnexpectedAnswerError):
        account_from_token(text)


@given(st.dictionaries(st.sampled_from(["upn", "unique_name", "idp", "idtyp", "acct", "scp", "appid"]), arbitrary_json))
def test_no_claim_crashes_the_reading_of_tokens(claims: dict[str, object]) -> None:
    assert account_from_token(token_of(claims | {"tid": TENANT, "oid": OBJECT})).object_id == OBJECT


def test_a_token_is_never_quoted() -> None:
    token = f"header.{base64.urlsafe_b64encode(b'sensitive').decode()}.signature"
    with pytest.raises(UnexpectedAnswerError) as refusal:
        account_from_token(token)
    assert token.split(".")[1] not in f"{refusal.value.message} {refusal.value.cause} {refusal.value.remedy}"


GUEST = account_from_token(token_of(user_claims(unique_name="A@partner.com", idp=ELSEWHERE)))
PERSONAL = account_from_token(token_of(user_claims(unique_name="Live.com#Invoices@contoso.com", idp="live.com")))
PERSONAL_V2 = account_from_token(
    token_of(user_claims(preferred_username="invoices@contoso.com", idp=f"https://sts.windows.net/{PERSONAL_TENANT}/"))
)
INVITED = account_from_token(
    token_of(
        user_claims(
            upn="invoices_contoso.com#EXT#@fabrikam.com", unique_name="live.com#invoices@contoso.com", idp="live.com"
        )
    )
)
STRASSE = account_from_token(token_of(user_claims(upn="strasse.sk@contoso.com")))


@pytest.mark.parametrize(
    ("account", "identifier"),
    [
        pytest.param(INVOICES, "invoices@contoso.com", id="UPN"),
        pytest.param(INVOICES, "Invoices@CONTOSO.com", id="UPN in another case"),
        pytest.param(INVOICES, " invoices@contoso.com ", id="UPN with blanks"),
        pytest.param(INVOICES, OBJECT.upper(), id="object ID"),
        pytest.param(GUEST, "a@partner.com", id="guest without upn"),
        pytest.param(PERSONAL, "live.com#invoices@contoso.com", id="personal account"),
        pytest.param(PERSONAL_V2, "live.com#invoices@contoso.com", id="personal account, without the prefix"),
        pytest.param(INVITED, "invoices_contoso.com#EXT#@fabrikam.com", id="personal account by the tenant's own name"),
        pytest.param(PERSONAL, OBJECT, id="personal account's object ID"),
        pytest.param(GUEST, OBJECT, id="guest's object ID"),
        pytest.param(PIPELINE, CLIENT.upper(), id="client ID"),
        pytest.param(PIPELINE, OBJECT, id="application's object ID"),
    ],
)
def test_an_account_answers_to(account: Account, identifier: str) -> None:
    assert account.matches_identifier(identifier)
    require_account(account, identifier=identifier, tenant_id=None)


@pytest.mark.parametrize(
    ("account", "identifier"),
    [
        pytest.param(INVOICES, CLIENT, id="client program of a user"),
        pytest.param(GUEST, CLIENT, id="client program of a guest"),
        pytest.param(PERSONAL, "invoices@contoso.com", id="work name of a personal account"),
        pytest.param(PERSONAL_V2, "invoices@contoso.com", id="work name of a personal account without the prefix"),
        pytest.param(INVITED, "invoices@contoso.com", id="work name of an invited personal account"),
        pytest.param(INVOICES, "live.com#invoices@contoso.com", id="personal name of a work account"),
        pytest.param(STRASSE, "\u017ftrasse.sk@contoso.com", id="long s"),
        pytest.param(STRASSE, "stra\u00dfe.sk@contoso.com", id="sharp s"),
        pytest.param(STRASSE, "strasse.s\u212a@contoso.com", id="kelvin sign"),
        pytest.param(STRASSE, "\uff53trasse.sk@contoso.com", id="full-width s"),
        pytest.param(INVOICES, "svc_approvers@contoso.com", id="another UPN"),
        pytest.param(INVOICES, "invoices", id="part of the UPN"),
        pytest.param(INVOICES, OTHER_OBJECT, id="another object ID"),
        pytest.param(INVOICES, TENANT, id="its tenant"),
        pytest.param(INVOICES, "", id="nothing"),
        pytest.param(PIPELINE, "invoices@contoso.com", id="UPN of a user"),
        pytest.param(replace(PIPELINE, client_id=None), "", id="nothing, for an application without client ID"),
    ],
)
def test_an_account_does_not_answer_to(account: Account, identifier: str) -> None:
    assert not account.matches_identifier(identifier)
    with pytest.raises(WrongAccountError):
        require_account(account, identifier=identifier, tenant_id=None)


@pytest.mark.parametrize(
    ("identifier", "hint"),
    [
        ("invoices@contoso.com", "invoices@contoso.com"),
        ("Live.com#anna@outlook.com", "anna@outlook.com"),
        ("a_partner.com#EXT#@contoso.com", "a_partner.com#EXT#@contoso.com"),
        (OBJECT, None),
        (None, None),
    ],
)
def test_what_a_person_signs_in_with(identifier: str | None, hint: str | None) -> None:
    assert login_hint(identifier) == hint


def test_a_personal_account_is_refused_with_the_name_that_means_it() -> None:
    with pytest.raises(WrongAccountError) as refusal:
        require_account(PERSONAL, identifier="invoices@contoso.com", tenant_id=None)
    assert refusal.value.message == "Live.com#Invoices@contoso.com signed in, not invoices@contoso.com"
    assert refusal.value.remedy == (
        "to use this personal Microsoft account, pass --account Live.com#Invoices@contoso.com"
    )


def test_a_mail_address_is_no_name_of_an_account() -> None:
    # Service accounts often share one mailbox, and anyone may be given any mail address.
    account = account_from_token(token_of(user_claims(upn="svc_approvers@contoso.com", email="invoices@contoso.com")))
    assert not account.matches_identifier("invoices@contoso.com")


def test_another_account_is_refused_with_both_names() -> None:
    with pytest.raises(WrongAccountError) as refusal:
        require_account(INVOICES, identifier="svc_approvers@contoso.com", tenant_id=TENANT)
    error = refusal.value
    assert error.message == "invoices@contoso.com signed in, not svc_approvers@contoso.com"
    assert all(part in str(error.cause) for part in ("the signed-in user ", OBJECT, TENANT))
    assert error.exit_code == ExitCode.SIGN_IN


def test_another_tenant_is_refused_with_both_tenants() -> None:
    with pytest.raises(WrongAccountError) as refusal:
        require_account(INVOICES, identifier="invoices@contoso.com", tenant_id=OTHER_TENANT)
    assert refusal.value.message == f"invoices@contoso.com signed in to tenant {TENANT}, not to {OTHER_TENANT}"


@pytest.mark.parametrize(
    ("identifier", "tenant_id"),
    [(None, None), (None, TENANT), (None, TENANT.upper()), (OBJECT, TENANT)],
    ids=["anyone", "tenant", "tenant in another case", "both"],
)
def test_the_required_account_passes(identifier: str | None, tenant_id: str | None) -> None:
    require_account(INVOICES, identifier=identifier, tenant_id=tenant_id)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TENANT, True),
        (TENANT.upper(), True),
        (TENANT.replace("-", ""), False),
        (f"{{{TENANT}}}", False),
        (f"{TENANT}\n", False),
        (f" {TENANT}", False),
        ("", False),
    ],
)
def test_is_guid(text: str, expected: bool) -> None:
    assert is_guid(text) is expected


AT_HOME = Account(AccountKind.USER, "anna@contoso.com", OBJECT, TENANT)
AS_GUEST = Account(AccountKind.GUEST, "anna@contoso.com", "4068e629-8af2-4f43-9bcf-a27cb3299348", OTHER_TENANT)


@pytest.mark.parametrize(
    ("account", "home_account_id", "expected"),
    [
        (replace(AS_GUEST, home_account_id=f"{OBJECT}.{TENANT}"), f"{OBJECT}.{TENANT}".upper(), True),
        (replace(AS_GUEST, home_account_id=f"{OTHER_OBJECT}.{TENANT}"), f"{OBJECT}.{TENANT}", False),
        # A personal account with the address of a work account.
        (replace(AS_GUEST, home_account_id=f"{OBJECT}.{PERSONAL_TENANT}"), f"{OBJECT}.{TENANT}", False),
        # Without a token cache only the home tenant tells.
        (AT_HOME, f"{OBJECT}.{TENANT}", True),
        (AT_HOME, f"{OTHER_OBJECT}.{TENANT}", False),
        (AS_GUEST, f"{OBJECT}.{TENANT}", None),
        # AD FS.
        (AT_HOME, "subject", None),
    ],
)
def test_an_account_is_known_by_its_home_account(account: Account, home_account_id: str, expected: bool | None) -> None:
    assert account.has_home_account(home_account_id) is expected
    if expected is False:
        with pytest.raises(WrongAccountError, match="signed in with another home account than before"):
            require_home_account(account, home_account_id)
    else:
        require_home_account(account, home_account_id)
    require_home_account(account, None)


def test_a_member_is_at_home() -> None:
    assert AT_HOME.likely_home_account_id == f"{OBJECT}.{TENANT}"
    assert AS_GUEST.likely_home_account_id is None
