"""What a claims challenge says, in words."""

import pytest
from hypothesis import given, strategies as st

from pallink.errors import NewSignIn
from pallink.signin.claims import explain_claims, more_proof_needed

NBF = '"nbf":{"essential":true,"value":"1610563006"}'


@pytest.mark.parametrize(
    ("claims", "message", "cause", "remedy"),
    [
        (
            f'{{"access_token":{{{NBF},"xms_rp_ipaddr":{{"value":"1.2.3.4"}}}}}}',
            "",
            "from another network address (1.2.3.4) than the tenant allows",
            "through the same network",
        ),
        (
            f'{{"access_token":{{{NBF}}}}}',
            "result: InteractionRequired and code: LocationConditionEvaluationSatisfied",
            "from another network address than the tenant allows",
            "through the same network",
        ),
        (
            f'{{"access_token":{{{NBF}}}}}',
            "code: TokenIssuedBeforeRevocationTimestamp",
            "the session was revoked: ",
            "sign in again",
        ),
        (
            f'{{"access_token":{{{NBF}}}}}',
            "code: TokenCreatedWithOutdatedPolicies",
            "conditional access policies have changed",
            "sign in again",
        ),
        (f'{{"access_token":{{{NBF}}}}}', "", "the session was revoked, or", "sign in again"),
        (
            '{"access_token":{"acrs":{"essential":true,"value":"p1"}}}',
            "",
            "requires multifactor authentication",
            "with multifactor authentication",
        ),
        (
            '{"access_token":{"amr":{"essential":true,"values":["pwd","ngcmfa"]}}}',
            "",
            "requires multifactor authentication",
            "with multifactor authentication",
        ),
        (
            '{"access_token":{"acrs":{"essential":true,"values":["c1","c25"]}}}',
            "",
            "requires the authentication context c1, c25 ",
            "follow the page",
        ),
        (
            '{"access_token":{"capolids":{"essential":true,"values":["a"]}}}',
            "",
            "a conditional access policy",
            "follow the page",
        ),
        ('{"access_token":{"deviceid":{"essential":true}}}', "", "identifies the device", "with the browser"),
        ('{"access_token":{"foo":null,"b\\u001bar":1}}', "", "further claims of the sign-in: foo, b?ar", "sign in"),
        ("{}", "", "none that pallink can read", "sign in again"),
    ],
)
def test_a_challenge_is_explained_by_what_it_requires(claims: str, message: str, cause: str, remedy: str) -> None:
    error = more_proof_needed("linking", message, claims)
    assert error.message == f"linking failed: Azure requires a new sign-in ({message})"
    assert cause in str(error.cause)
    assert remedy in str(error.remedy)
    assert error.claims == claims
    assert error.new_sign_in is (NewSignIn.BROWSER if "deviceid" in claims else NewSignIn.SAME)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "values", "x"]), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["nbf", "acrs", "amr", "xms_rp_ipaddr", "capolids", "deviceid", "other"])


@given(st.dictionaries(NAMES, JSON) | JSON)
def test_no_challenge_crashes_the_explanation(required: object) -> None:
    import json  # noqa: PLC0415

    for claims in (json.dumps({"access_token": required}), json.dumps(required), str(required), "[" * 100_000):
        cause, remedy, _ = explain_claims(claims)
        assert len(f"{cause}{remedy}".splitlines()) == 1
