"""Settings: open points of the service that no recording decides, and errors to provoke.

A client can be tested against every response that the service might send.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, and its allowed values.

    Attributes:
        name: The name on the command line.
        allowed: The allowed values; the first is the default.
        explanation: What the setting decides, in one sentence.
    """

    name: str
    allowed: tuple[str, ...]
    explanation: str

    @property
    def default(self) -> str:
        """The value in a new sandbox."""
        return self.allowed[0]

    def check(self, value: str) -> str:
        """Return the value if it is allowed.

        Raises:
            ValueError: The value is not allowed; the message lists those that are.
        """
        if value not in self.allowed:
            allowed = ", ".join(f"'{allowed_value}'" for allowed_value in self.allowed)
            raise ValueError(f"invalid value '{value}' for {self.name}: use one of {allowed}")
        return value


ALREADY_LINKED = Setting(
    "already-linked",
    ("409 PartnerIdAlreadyLinked", "409 Conflict", "400 PartnerIdAlreadyLinked", "400 Conflict"),
    "The status and error code of a PUT when the account is already linked, even to the same partner ID.",
)
GET_AFTER_DELETE = Setting(
    "get-after-delete",
    ("not-found", "deleted-link"),
    "What GET returns after the link was deleted: 404, or 200 with the link in state Deleted.",
)
DELETE_OTHER_ID = Setting(
    "delete-other-id",
    ("not-found", "ignored", "deletes"),
    "What DELETE does with another partner ID than the linked one: return 404, return 200 and keep the link, or return "
    "200 and delete the link.",
)
VERSION_TYPE = Setting(
    "version-type",
    ("integer", "string"),
    "The JSON type of a link's version: an integer as recorded, or a string as in the swagger's example.",
)
PROVIDER = Setting(
    "provider",
    ("registered", "absent"),
    "Whether the cloud has the Microsoft.ManagementPartner provider; where it is absent, as it may be in Government "
    "and China, requests fail with 404 InvalidResourceNamespace.",
)
DEVICE_CODE_ANSWER = Setting(
    "device-code-answer",
    ("by-hand", "approved", "declined", "expired"),
    "How a device code is completed: by hand, on its page or with pallink sandbox approve, or by the sandbox itself at "
    "the first poll, as the default account.",
)
DEVICE_CODE_INTERVAL = Setting(
    "device-code-interval",
    ("5", "1", "0"),
    "The minimum number of seconds between two polls with a device code; a poll before that fails with slow_down.",
)
MANAGED_IDENTITY = Setting(
    "managed-identity",
    ("assigned", "none"),
    "Whether the machine has the sandbox's managed identities; without them requests fail with Identity not found.",
)
TOKEN_LIFETIME = Setting(
    "token-lifetime",
    ("usual", "600", "60", "1"),
    "The lifetime of an access token in seconds; usual is an hour, and for a managed identity a day.",
)
REFRESH_TOKEN_LIFETIME = Setting(
    "refresh-token-lifetime",
    ("usual", "3600", "60", "0"),
    "Seconds after which a refresh token that was not used has expired; usual is 90 days, and 0 expires all of them.",
)
SIGN_IN_PAGE = Setting(
    "sign-in-page",
    ("shown", "skipped"),
    "Whether a browser sign-in shows the account picker; when skipped, the hinted or default account signs in.",
)
SIGN_IN_ERROR = Setting(
    "sign-in-error",
    (
        "none",
        "50020",
        "50034",
        "50053",
        "50055",
        "50057",
        "50076",
        "50079",
        "50105",
        "50126",
        "50158",
        "50173",
        "53000",
        "53003",
        "65001",
        "70021",
        "70043",
        "90002",
        "90072",
        "90093",
        "500133",
        "500213",
        "500571",
        "530003",
        "530036",
        "700016",
        "700024",
        "700027",
        "700082",
        "700213",
        "900023",
        "7000112",
        "7000215",
        "7000222",
        "7002138",
    ),
    "The AADSTS error that every sign-in it applies to fails with: an error of refresh tokens or of client secrets "
    "applies only to sign-ins that use one.",
)
ENTRA_ID = Setting(
    "entra-id",
    ("up", "throttling", "down"),
    "Whether Entra ID is available; it returns 429 with Retry-After when throttling, and 503 when down.",
)
KEY_VAULT = Setting(
    "key-vault",
    ("up", "throttling"),
    "Whether Key Vault is available; it returns 429 with Retry-After when throttling.",
)
CLAIMS_CHALLENGE = Setting(
    "claims-challenge",
    ("off", "once", "always"),
    "Whether Resource Manager returns 401 with a claims challenge: once, until a token is requested with its claims, "
    "or always.",
)
CHALLENGE_REASON = Setting(
    "challenge-reason",
    ("policies", "revocation", "location"),
    "Why there is a claims challenge: the tenant's policies changed, the session was revoked, or the request came from "
    "another network location than the policies allow.",
)
MFA_FOR_WRITES = Setting(
    "mfa-for-writes",
    ("off", "401", "403"),
    "The status, with a claims challenge, of a write by a user whose token lacks multifactor authentication; choosing "
    "an account on the sign-in page or approving a device code counts as multifactor authentication.",
)
INSIDE_ONLY = Setting(
    "role-inside-only",
    ("refused", "listed"),
    "What an account with a role on a resource group only gets when it lists its role assignments at the "
    "subscription: 403, or the list.",
)
GRAPH_READS = Setting(
    "graph-reads",
    ("allowed", "refused", "refused-to-all"),
    "Who may read the directory through Microsoft Graph: all accounts, or only users and guests, or none; the others "
    "are refused with 403 Authorization_RequestDenied, as without an administrator's consent.",
)
ROLE_PROPAGATION = Setting(
    "role-propagation",
    ("0", "10", "60", "600", "3600"),
    "Seconds until a new role assignment takes effect and is listed; it can be read by its ID at once.",
)
ROLE_ASSIGNMENT_LIMIT = Setting(
    "role-assignment-limit",
    ("4000", "10", "1", "0"),
    "How many role assignments a subscription may have, those of its resource groups and resources included; with "
    "more, a creation fails with 400 RoleAssignmentLimitExceeded.",
)
PAGE_SIZE = Setting(
    "page-size",
    ("1000", "200", "100", "50", "20", "10", "5", "2", "1"),
    "How many tenants, subscriptions, role assignments or eligible roles a response holds at most; nextLink leads to "
    "the rest.",
)
RESPONSE_DELAY = Setting(
    "response-delay",
    ("0", "50", "100", "250", "500", "1000", "5000"),
    "Milliseconds that every response is delayed by, as over a network.",
)
TOKEN_LIMIT = Setting(
    "token-limit",
    ("none", "one-at-a-time", "60", "10", "1"),
    "How many token requests of one application in one tenant Entra ID accepts: any number, one until its response is "
    "sent (see response-delay), or so many in a minute; more get 429 with Retry-After.",
)
RESOURCE_MANAGER_LIMIT = Setting(
    "resource-manager-limit",
    ("none", "documented", "strict"),
    "How many reads, writes and deletes of one account in one tenant Resource Manager accepts: any number; 250, 200 "
    "and 200, and then 25, 10 and 10 a second; or 3, 1 and 1, and then 1 of each a second; more get 429 with "
    "Retry-After.",
)

SETTINGS = (
    ALREADY_LINKED,
    GET_AFTER_DELETE,
    DELETE_OTHER_ID,
    VERSION_TYPE,
    PROVIDER,
    DEVICE_CODE_ANSWER,
    DEVICE_CODE_INTERVAL,
    MANAGED_IDENTITY,
    TOKEN_LIFETIME,
    REFRESH_TOKEN_LIFETIME,
    SIGN_IN_PAGE,
    SIGN_IN_ERROR,
    ENTRA_ID,
    KEY_VAULT,
    CLAIMS_CHALLENGE,
    CHALLENGE_REASON,
    MFA_FOR_WRITES,
    INSIDE_ONLY,
    GRAPH_READS,
    ROLE_PROPAGATION,
    ROLE_ASSIGNMENT_LIMIT,
    PAGE_SIZE,
    RESPONSE_DELAY,
    TOKEN_LIMIT,
    RESOURCE_MANAGER_LIMIT,
)


def setting_named(name: str) -> Setting:
    """Return the setting with a name.

    Raises:
        ValueError: No setting has this name; the message lists the settings.
    """
    for setting in SETTINGS:
        if setting.name == name:
            return setting
    names = ", ".join(setting.name for setting in SETTINGS)
    raise ValueError(f"unknown setting '{name}': use one of {names}")
