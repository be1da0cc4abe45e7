"""Entra ID's error codes (AADSTS...): why a sign-in failed, grouped by what a person does about it. Pure.

Sources: learn.microsoft.com/entra/identity-platform/reference-error-codes, Microsoft's troubleshooting articles for
single codes, and for GitHub's subjects docs.github.com/actions/reference/security/oidc#immutable-subject-claims.
Microsoft may change the codes: they add an explanation, and keep a fleet from a prompt that cannot help; nothing else.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pallink.errors import SIGN_IN_AGAIN, NewSignIn


class Explanation(NamedTuple):
    """Why a sign-in failed, and what to do.

    Attributes:
        cause: The cause.
        remedy: What to do.
        new_sign_in: How a new sign-in mends it; None if none does.
    """

    cause: str
    remedy: str
    new_sign_in: NewSignIn | None = None


def _group(remedy: str, causes: Mapping[str, str], new_sign_in: NewSignIn | None = None) -> dict[str, Explanation]:
    return {code: Explanation(cause, remedy, new_sign_in) for code, cause in causes.items()}


def explanation_of(code: str) -> Explanation:
    """Return the explanation of a code; for an unknown one, where Microsoft explains it."""
    return EXPLANATIONS.get(code) or Explanation(
        "this is an error of Entra ID that pallink does not know",
        f"read Microsoft's explanation: https://login.microsoftonline.com/error?code={code}",
    )


_SIGN_IN_AGAIN = _group(
    SIGN_IN_AGAIN,
    {
        "50132": "the session ended: the password has expired or was changed",
        "50133": "the session ended: the password has expired or was changed",
        "50173": "the sign-in was revoked: the password was changed, or the account's sessions were ended",
        "70000": "Entra ID does not accept the stored sign-in any more",
        "70008": "the stored sign-in has expired",
        "70043": "the tenant limits how long a sign-in is valid, and this one has expired or was revoked",
        "700082": "the stored sign-in has expired: it was not used for 90 days",
        "700084": "the stored sign-in has expired: its application limits how long it is valid",
    },
    NewSignIn.SAME,
)

_TRY_AGAIN = _group(
    "try again, and complete the sign-in within 15 minutes",
    {
        "50089": "the sign-in took too long",
        "54005": "the response of the sign-in page was used before",
        "70019": "the device code has expired",
        "70020": "the device code has expired",
    },
)

COMPLETE_MFA = "sign in again with multifactor authentication, or use an application for unattended jobs"

_COMPLETE_MFA = _group(
    COMPLETE_MFA,
    {
        "50074": "the tenant requires multifactor authentication, and it was not completed",
        "50076": "the tenant requires multifactor authentication, and this sign-in did not have it",
        "50078": "the multifactor authentication of this sign-in has expired",
        "500121": "multifactor authentication was declined, or timed out",
    },
    NewSignIn.SAME,
)

DO_WHAT_THE_PAGE_ASKS = "sign in again and follow the page, or use an application for unattended jobs"

_DO_WHAT_THE_PAGE_ASKS = _group(
    DO_WHAT_THE_PAGE_ASKS,
    {"50158": "the tenant requires its terms of use to be accepted, or the check of another provider"},
    NewSignIn.SAME,
)

_SET_UP_MFA = _group(
    "set up multifactor authentication for this account at https://aka.ms/mfasetup",
    {
        "50072": "the tenant requires multifactor authentication, and the account is not set up for it",
        "50079": "the tenant requires multifactor authentication, and the account is not set up for it",
        "53004": "the account has to be set up for multifactor authentication first",
    },
)

_SET_UP_MFA_ELSEWHERE = _group(
    "set up multifactor authentication at https://aka.ms/mfasetup from a trusted place or device",
    {"53010": "multifactor authentication can be set up only from certain places or devices of the organization"},
)

USE_THE_BROWSER = "sign in with the browser of a device that the tenant manages; a device code does not name the device"

_USE_THE_BROWSER = _group(
    USE_THE_BROWSER,
    {
        "50097": "the tenant requires a sign-in that identifies the device",
        "50129": "the tenant requires a registered device, and this one is not registered",
        "50187": "the sign-in did not identify the device",
        "53000": "a conditional access policy requires a compliant device, and this device is not compliant",
        "53001": "a conditional access policy requires a device that is joined to the domain",
        "530002": "a conditional access policy requires a compliant device, and this device is not compliant",
        "530003": "a conditional access policy requires a managed device, and this device is not managed",
    },
    NewSignIn.BROWSER,
)

_NO_DEVICE_CODE = _group(
    "sign in with the browser instead of a device code",
    {
        "530035": "the tenant's security defaults block this sign-in, as they do with device codes",
        "530036": "a conditional access policy blocks sign-ins that began with a device code",
    },
    NewSignIn.BROWSER,
)

ASK_THE_ADMINISTRATOR = "ask the tenant's administrator, who finds the policy in the sign-in log by the correlation ID"

_ASK_ABOUT_CONDITIONAL_ACCESS = _group(
    ASK_THE_ADMINISTRATOR,
    {
        "50005": "a conditional access policy does not support this operating system",
        "50131": "a conditional access policy blocks this sign-in: the device, the place or suspicious activity",
        "50155": "the tenant could not verify the device",
        "53002": "a conditional access policy requires an approved application",
        "53009": "a conditional access policy requires an application with Intune's protection",
        "53011": "the account is blocked because its home tenant found it at risk",
        "530032": "a security policy of the tenant blocks this sign-in",
        "530034": "the delegated administrator is blocked because the home tenant found the account at risk",
    },
)

_BLOCKED_METHOD = {
    # The code that a policy against device codes causes, among others. A fleet has no option --auth.
    "53003": Explanation(
        "a conditional access policy blocks this sign-in because of its location, device or method",
        "use the browser if only device codes are blocked, or ask the tenant's administrator",
    ),
}

_ACCOUNT = {
    "50034": Explanation(
        "the account does not exist in this tenant",
        "check the account's name, and that --tenant is its tenant; an application needs its own --auth",
    ),
    "50053": Explanation(
        "the account is locked after too many failed sign-ins, or the sign-in came from a blocked address",
        "wait some minutes, or have an administrator unlock the account",
    ),
    "50126": Explanation("the user name or the password is wrong", "use the password of the account's home tenant"),
    **_group(
        "sign in once in a browser as this account and set a new password",
        {
            "50055": "the account's password has expired",
            "50125": "the account has to reset its password, or register how it can be reset",
            "50135": "the account has to change its password because it was found at risk",
            "50144": "the account's password in Active Directory has expired",
        },
    ),
    "50057": Explanation("the account is disabled", "have an administrator of the tenant enable the account"),
}

_NOT_IN_TENANT = _group(
    "have an administrator of that tenant invite the account, or name its own tenant with --tenant",
    {
        "16000": "the account belongs to another tenant and is not a guest of this one",
        "16003": "the account was not added to this tenant",
        "50020": "the account belongs to another tenant and is not a guest of this one",
        "51004": "the account does not exist in this tenant",
        "90072": "the account belongs to another tenant and was not invited to this one as a guest",
    },
)

_GUESTS = {
    **_NOT_IN_TENANT,
    "50014": Explanation(
        "the account is invited to this tenant as a guest, and has not accepted the invitation",
        "accept the invitation in the email or at https://myapplications.microsoft.com, then try again",
    ),
    "500571": Explanation(
        "the guest account is disabled in this tenant",
        "have an administrator of that tenant enable the guest account",
    ),
    "530004": Explanation(
        "the tenant requires a compliant device of its guests, and does not trust that of their home tenant",
        "have that tenant's administrator trust the home tenant's devices in its cross-tenant access settings",
    ),
    **_group(
        "have that tenant exclude guests, or trust the home tenant's multifactor authentication",
        {
            "50177": "a policy of the tenant requires an external check that guests cannot pass",
            "50178": "a policy of the tenant requires a session control that guests do not support",
        },
    ),
    "500208": Explanation(
        "the tenant does not accept this type of account, as with a personal Microsoft account",
        "sign in with a work or school account",
    ),
}

_CROSS_TENANT = {
    "500212": Explanation(
        "the account's own tenant does not let its users sign in to that tenant (outbound access)",
        "have the administrator of the account's own tenant allow it in its cross-tenant access settings",
    ),
    "500213": Explanation(
        "that tenant does not let this account sign in (inbound access)",
        "have that tenant's administrator allow it in its cross-tenant access settings",
    ),
    **_group(
        "have the administrator of this network or device allow that tenant, or use another network",
        {
            "50002": "this network does not allow sign-ins to that tenant (tenant restrictions)",
            "500021": "this network does not allow sign-ins to that tenant (tenant restrictions)",
            "500022": "this network does not allow sign-ins to that tenant (tenant restrictions)",
            "5000211": "a policy of this network or device does not allow that tenant (tenant restrictions)",
        },
    ),
    "90099": Explanation(
        "delegated administrators may use only applications that the customer's tenant has consented to",
        "have the customer consent to the application, or invite the account as a guest",
    ),
}

_CONSENT = {
    "65001": Explanation(
        "neither a user nor an administrator of the tenant has consented to the application",
        "sign in again and consent, have an administrator consent, or use another --client-id",
        NewSignIn.SAME,
    ),
    **_group(
        "have an administrator consent to it, or use another application with --client-id",
        {
            "65005": "the application does not list the permission for Azure Resource Manager",
            "650056": "the application lacks the permission for Azure Resource Manager, or the consent to it",
            "650057": "the application does not list the permission for Azure Resource Manager",
            "90008": "neither a user nor an administrator of the tenant has consented to the application",
            "90094": "only an administrator may consent to the application",
            "90095": "only an administrator may consent to the application, and was asked to",
        },
    ),
    "65004": Explanation("the sign-in, or the consent to the application, was declined", "try again, and accept it"),
    "50105": Explanation(
        "the account is not assigned to the application that it signs in through",
        "have an administrator assign it under Enterprise applications, or use another one with --client-id",
    ),
    "650052": Explanation(
        "the tenant has not enabled the service that the application requests",
        "check that the tenant uses Azure, and that --cloud and --tenant are right",
    ),
}

_APPLICATION = {
    **_group(
        "check the client ID and the tenant; the application may not be installed in this tenant",
        {
            "700016": "no application with this client ID exists in this tenant",
            "70001": "the application is not in this tenant, or is disabled",
            "7000229": "the application has no service principal in this tenant",
        },
    ),
    **_group(
        "have an administrator enable it under Enterprise applications",
        {
            "7000112": "the application is disabled in this tenant",
            "1000031": "the application cannot be used at present",
        },
    ),
    "50011": Explanation(
        "the application of --client-id has no redirect URI http://localhost",
        "add http://localhost to it as a mobile and desktop application, or leave out --client-id",
    ),
    "50194": Explanation(
        "the application of --client-id belongs to one tenant, and no tenant was named", "name its tenant with --tenant"
    ),
    "7000218": Explanation(
        "the application of --client-id does not allow sign-ins of users without its secret",
        "allow public client flows under its Authentication, or leave out --client-id",
    ),
    "700025": Explanation(
        "the application is a public client, which has no secret and no certificate",
        "use the client ID of an application with its own credential",
    ),
}

_CREDENTIAL = {
    "7000215": Explanation(
        "the client secret is wrong",
        "set AZURE_CLIENT_SECRET to the secret's value, which the portal shows once, not to the secret's ID",
    ),
    "70002": Explanation("the client secret is wrong", "set AZURE_CLIENT_SECRET to the secret's value"),
    "7000222": Explanation(
        "the client secret has expired", "create a new secret for the application and set AZURE_CLIENT_SECRET to it"
    ),
    "700027": Explanation(
        "the certificate is not registered with the application, or has expired",
        "upload its public part in Entra ID under the application's Certificates & secrets",
    ),
    **_group(
        "use a certificate that the application accepts; see its Certificates & secrets in Entra ID",
        {
            "50012": "the certificate, or its issuer, is not accepted for this application",
            "700030": "the certificate's subject name is not accepted for this application",
        },
    ),
    **_group(
        "check this machine's clock, then try again with a new token",
        {
            "500133": "the application's assertion is not valid now: it has expired, or this clock is wrong",
            "700024": "the application's assertion is not valid now: it has expired, or this clock is wrong",
        },
    ),
}

_FEDERATION = {
    **_group(
        "compare issuer, subject and audience with the application's federated credentials in Entra ID",
        {
            "70021": "no federated credential of the application matches the token",
            "70025": "the application has no federated credential",
            "7002137": "no federated credential of the application has the token's subject",
        },
    ),
    "700211": Explanation(
        "no federated credential of the application has the token's issuer",
        "use the issuer in the message; for GitHub it is https://token.actions.githubusercontent.com",
    ),
    "700212": Explanation(
        "no federated credential of the application has the token's audience",
        "set the federated credential's audience to api://AzureADTokenExchange",
    ),
    "700213": Explanation(
        "no federated credential of the application has the token's subject",
        "use the subject in the message exactly; in new GitHub repositories it is repo:OWNER@ID/REPO@ID:...",
    ),
    "7002138": Explanation(
        "the federated credential's subject differs from the token's in upper and lower case",
        "create the federated credential again with the subject in the message, upper and lower case included",
    ),
    **_group(
        "ask the tenant's administrator about policies for federated credentials",
        {
            "700223": "a policy of the tenant does not allow this federated credential",
            "700238": "a policy of the tenant does not allow this federated credential",
            "7002381": "the tenant accepts GitHub's tokens only from certain enterprises",
        },
    ),
    **_group(
        "use a token of another issuer, or the managed identity of the tenant itself",
        {
            "700222": "the tenant does not accept tokens of Entra ID as a federated credential",
            "700229": "the tenant accepts only tokens of applications as a federated credential",
            "700236": "the tenant does not accept tokens of another tenant as a federated credential",
        },
    ),
}

_TENANT = {
    **_group(
        "set --tenant to the tenant's ID (a GUID) or one of its domains",
        {
            "50059": "the sign-in names no tenant",
            "50128": "the sign-in names no tenant, or the domain is invalid",
            "90019": "the sign-in names no tenant",
            "900023": "the tenant's name is invalid",
        },
    ),
    "90002": Explanation(
        "the tenant does not exist", "check AZURE_TENANT_ID or --tenant, and that --cloud is its cloud"
    ),
    **_group(
        "use the cloud of the tenant with --cloud (AzureCloud, AzureUSGovernment or AzureChinaCloud)",
        {
            "90038": "the tenant belongs to another cloud",
            "900382": "the tenant belongs to another cloud, where an application of this one cannot sign in",
            "900432": "the tenant belongs to another cloud, where an application of this one cannot sign in",
            "1000104": "the tenant of the account does not allow that cloud",
        },
    ),
}

_WAIT = _group(
    "try again in some minutes",
    {
        "50033": "Entra ID had a temporary failure",
        "50087": "multifactor authentication had a temporary failure",
        "50088": "too many calls and messages were sent for multifactor authentication",
        "50166": "the external authentication provider throttles the tenant",
        "50196": "the same sign-in was requested too often in a short time",
        "80002": "the organization's Active Directory did not respond in time",
        "90006": "Entra ID is temporarily not available",
        "90012": "the sign-in timed out",
        "90024": "Entra ID had a temporary failure",
        "90033": "Entra ID's directory is temporarily not available",
        "90055": "there are too many requests for this tenant",
    },
)

EXPLANATIONS: Mapping[str, Explanation] = {
    **_SIGN_IN_AGAIN,
    **_TRY_AGAIN,
    **_COMPLETE_MFA,
    **_DO_WHAT_THE_PAGE_ASKS,
    **_SET_UP_MFA,
    **_SET_UP_MFA_ELSEWHERE,
    **_USE_THE_BROWSER,
    **_NO_DEVICE_CODE,
    **_ASK_ABOUT_CONDITIONAL_ACCESS,
    **_BLOCKED_METHOD,
    **_ACCOUNT,
    **_GUESTS,
    **_CROSS_TENANT,
    **_CONSENT,
    **_APPLICATION,
    **_CREDENTIAL,
    **_FEDERATION,
    **_TENANT,
    **_WAIT,
}

CLOCK_CODES = frozenset({"700024", "500133"})
"""The codes that a wrong clock causes."""

BLOCKED_CODES = frozenset(
    {*_CROSS_TENANT, *_GUESTS, "50057", "50105", "53000", "53001", "530002", "530003", "53003"}
) - {"50014"}
"""The codes that no prompt of pallink mends: the account is not let in, or the device is not the tenant's."""

UNKNOWN_TENANT_CODE = "90002"
"""The code of a tenant that does not exist."""

NOT_IN_TENANT_CODES = frozenset(_NOT_IN_TENANT)
"""The codes of an account that is not in the tenant."""

NO_ACCESS_CODES = NOT_IN_TENANT_CODES | {"50034", "50057", "500212", "500213", "500571"}
"""The codes of an account that is disabled, removed from the tenant, or blocked by its access settings."""

CLIENT_SECRET_CODES = frozenset({"70002", "7000215", "7000222"})
"""The codes of a client secret that is wrong or has expired."""
