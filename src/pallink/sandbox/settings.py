"""What nobody has recorded of Azure: one setting for each open point, so that a client can meet every answer."""

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

INSIDE_ONLY = Setting(
    "role-inside-only",
    ("refused", "listed"),
    "What an account with a role on a resource group alone gets when it lists its role assignments at the "
    "subscription: 403, or the list.",
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
    INSIDE_ONLY,
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
