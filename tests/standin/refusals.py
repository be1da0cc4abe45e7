"""Refused token requests, as Entra ID publishes them.

Sources: learn.microsoft.com/entra/identity-platform/reference-error-codes (the sentences and the format),
learn.microsoft.com/entra/identity-platform/v2-conditional-access-dev-guide (claims, with `polids`), and bodies in
public issues of msal and the Azure CLI (`suberror`, `capolids`, and which of them have no `error_uri`).
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
POLICY = "c4a1d0f4-6a57-4a0c-9a55-0d8d3f7f0b61"

SENTENCES = {
    50076: "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
    "use multi-factor authentication to access '797f4846-ba00-4fd7-ba43-dac1f8f63013'.",
    50079: "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
    "enroll in multi-factor authentication to access '797f4846-ba00-4fd7-ba43-dac1f8f63013'.",
    50158: "External security challenge not satisfied. User will be redirected to another page or authentication "
    "provider to satisfy additional authentication challenges.",
    53003: "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    65001: f"The user or administrator has not consented to use the application with ID '{AZURE_CLI}' named 'Microsoft "
    "Azure CLI'. Send an interactive authorization request for this user and resource.",
    530003: "Your device is required to be managed to access this resource.",
}
CLAIMS = {
    "capolids": {"access_token": {"capolids": {"essential": True, "values": [POLICY]}}},
    "polids": {"access_token": {"polids": {"essential": True, "Values": [POLICY]}}},
    "acrs": {"access_token": {"acrs": {"essential": True, "value": "c1"}}},
}


@dataclass(frozen=True)
class Refusal:
    """A refusal.

    Attributes:
        number: The number after AADSTS.
        error: OAuth's error code.
        suberror: The suberror; None if the body has none.
        claims: The name of the claims to request, in `CLAIMS`; None if the body has none.
        is_met_in_person: Whether a sign-in in person to the tenant succeeds.
    """

    number: int
    error: str = "invalid_grant"
    suberror: str | None = None
    claims: str | None = None
    is_met_in_person: bool = False

    def body(self, login: str) -> dict[str, Any]:
        """Return the body, with line breaks before its identifiers as Entra ID writes them."""
        trace_id, correlation_id, timestamp = str(uuid4()), str(uuid4()), "2026-02-03 08:15:42Z"
        tail = f"\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
        body = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {SENTENCES[self.number]}{tail}",
            "error_codes": [self.number],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        }
        if self.suberror != "consent_required":
            body["error_uri"] = f"{login}/error?code={self.number}"
        if self.suberror is not None:
            body["suberror"] = self.suberror
        if self.claims is not None:
            body["claims"] = json.dumps(CLAIMS[self.claims], separators=(",", ":"))
        return body

    def __str__(self) -> str:
        return "-".join(map(str, filter(None, (self.number, self.error, self.suberror, self.claims))))


MFA = Refusal(50076, "interaction_required", "basic_action", "capolids", is_met_in_person=True)
CONSENT = Refusal(65001, suberror="consent_required", is_met_in_person=True)
TERMS_OF_USE = Refusal(50158, "interaction_required", claims="polids", is_met_in_person=True)
BLOCKED = Refusal(53003, "interaction_required", "message_only", "capolids")
UNMANAGED_DEVICE = Refusal(530003, suberror="message_only")

REFUSALS = (
    *(
        Refusal(number, error, "basic_action", claims, is_met_in_person=True)
        for number in (50076, 50079)
        for error in ("invalid_grant", "interaction_required")
        for claims in (None, "capolids", "acrs")
    ),
    TERMS_OF_USE,
    Refusal(50158, "interaction_required", is_met_in_person=True),
    CONSENT,
    *(
        Refusal(number, error, "message_only", claims)
        for number in (53003, 530003)
        for error in ("invalid_grant", "interaction_required")
        for claims in (None, "capolids", "polids")
    ),
)
"""Each refusal in the forms in which it was seen."""
