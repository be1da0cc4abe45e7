"""What can be chosen: what nobody has recorded of Azure, so that a client meets every answer, and what goes wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """An open point, and the answers that it may have.

    Attributes:
        name: What it is called on the command line.
        allowed: Every value; the first is the default.
        explanation: What the value decides, in one sentence.
    """

    name: str
    allowed: tuple[str, ...]
    explanation: str

    @property
    def default(self) -> str:
        """The value of a sandbox that was just seeded."""
        return self.allowed[0]

    def check(self, value: str) -> str:
        """Returns the value.

        Raises:
            ValueError: It is none of the allowed ones, which the message names.
        """
        if value not in self.allowed:
            allowed = ", ".join(f"'{each}'" for each in self.allowed)
            raise ValueError(f"'{value}' is not a value of {self.name}: allowed are {allowed}.")
        return value


ALREADY_LINKED = Setting(
    "already-linked",
    ("409 PartnerIdAlreadyLinked", "409 Conflict", "400 PartnerIdAlreadyLinked", "400 Conflict"),
    "The status and the code that answer a PUT when the account is already linked, be it to the same partner ID.",
)
GET_AFTER_DELETE = Setting(
    "get-after-delete",
    ("not-found", "deleted-link"),
    "What GET answers once the link was deleted: 404, or 200 with the link in state Deleted.",
)
DELETE_OTHER_ID = Setting(
    "delete-other-id",
    ("not-found", "ignored", "deletes"),
    "What DELETE does with a partner ID that is not the linked one: 404, 200 while the link stays, or 200 and the link "
    "is gone.",
)
VERSION_TYPE = Setting(
    "version-type",
    ("integer", "string"),
    "The JSON type of a link's version: an integer as recorded, or a string as in the swagger's example.",
)
PROVIDER = Setting(
    "provider",
    ("registered", "absent"),
    "Whether the cloud has the Microsoft.ManagementPartner provider; absent answers 404 InvalidResourceNamespace, as "
    "Government and China may.",
)
DEVICE_CODE_ANSWER = Setting(
    "device-code-answer",
    ("by-hand", "approved", "declined", "expired"),
    "Who answers a device code: somebody, on its page or with pallink sandbox approve, or the sandbox by itself at the "
    "first poll, as the default account.",
)
DEVICE_CODE_INTERVAL = Setting(
    "device-code-interval",
    ("5", "1", "0"),
    "The seconds that a program has to let pass between two polls with a device code; sooner answers slow_down.",
)
MANAGED_IDENTITY = Setting(
    "managed-identity",
    ("assigned", "none"),
    "Whether the machine has the world's managed identities; none answers Identity not found.",
)
TOKEN_LIFETIME = Setting(
    "token-lifetime",
    ("usual", "600", "60", "1"),
    "The seconds that an access token is good for; usual is an hour, for a managed identity a day.",
)
SIGN_IN_PAGE = Setting(
    "sign-in-page",
    ("shown", "skipped"),
    "Whether a sign-in in a browser shows the page with the accounts; skipped signs in the hinted or default account.",
)
SIGN_IN_ERROR = Setting(
    "sign-in-error",
    (
        "none",
        "16000",
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
        "53000",
        "53003",
        "65001",
        "70021",
        "70043",
        "90002",
        "90072",
        "500133",
        "700016",
        "700024",
        "700027",
        "700082",
        "700213",
        "900023",
        "7000112",
        "7000215",
        "7000222",
    ),
    "The AADSTS number that Entra ID refuses every sign-in with that it can happen to: one of a refresh token's only "
    "when one is used, one of a secret's only when one is shown.",
)
ENTRA_ID = Setting(
    "entra-id",
    ("up", "throttling", "down"),
    "Whether Entra ID answers: 429 with Retry-After when it throttles, 503 when it is down.",
)
CLAIMS_CHALLENGE = Setting(
    "claims-challenge",
    ("off", "once", "always"),
    "Whether Resource Manager answers 401 with a claims challenge: to tokens that were not asked for with its claims, "
    "or to every token.",
)
MFA_FOR_WRITES = Setting(
    "mfa-for-writes",
    ("off", "401", "403"),
    "The status, with a claims challenge, that answers a write of a user whose token shows no second factor; a person "
    "who chooses an account on a page, or approves a device code, has given one.",
)

INSIDE_ONLY = Setting(
    "role-inside-only",
    ("refused", "listed"),
    "What an account with a role on a resource group alone gets when it lists its role assignments at the "
    "subscription: 403, or the list.",
)
GRAPH_READS = Setting(
    "graph-reads",
    ("allowed", "refused"),
    "Whether applications and managed identities may read the directory by Microsoft Graph; refused is what they get "
    "that nobody consented to: 403 Authorization_RequestDenied.",
)
PAGE_SIZE = Setting(
    "page-size",
    ("1000", "200", "100", "50", "20", "10", "5", "2", "1"),
    "How many subscriptions, role assignments or eligible roles come with one answer; the rest follow by its nextLink.",
)
RESPONSE_DELAY = Setting(
    "response-delay",
    ("0", "50", "100", "250", "500", "1000", "5000"),
    "How many milliseconds each answer takes more, as over a network.",
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
    SIGN_IN_PAGE,
    SIGN_IN_ERROR,
    ENTRA_ID,
    CLAIMS_CHALLENGE,
    MFA_FOR_WRITES,
    INSIDE_ONLY,
    GRAPH_READS,
    PAGE_SIZE,
    RESPONSE_DELAY,
)


def setting_named(name: str) -> Setting:
    """Returns the setting of that name.

    Raises:
        ValueError: There is none; the message names those that there are.
    """
    for setting in SETTINGS:
        if setting.name == name:
            return setting
    names = ", ".join(setting.name for setting in SETTINGS)
    raise ValueError(f"'{name}' is not a setting of the sandbox: there are {names}.")
