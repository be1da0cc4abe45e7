from typing import Any

import pytest
from hypothesis import given, strategies as st

from pallink.errors import RequestTrace
from pallink.exit_codes import ExitCode
from pallink.signin.entra_codes import EXPLANATIONS
from pallink.signin.entra_errors import sign_in_error

WRONG_SECRET = {
    "error": "invalid_client",
    "error_description": "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value.\r\n"
    "Trace ID: trace\r\nCorrelation ID: correlation\r\nTimestamp: 2026-01-01 00:00:00Z",
    "error_codes": [7000215],
    "trace_id": "trace",
    "correlation_id": "correlation",
    "timestamp": "2026-01-01 00:00:00Z",
}


def test_a_known_code_is_explained() -> None:
    error = sign_in_error(WRONG_SECRET)
    assert error.message == (
        "the sign-in failed: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value"
    )
    assert error.cause == "the client secret is wrong"
    assert "AZURE_CLIENT_SECRET" in str(error.remedy)
    assert error.trace == RequestTrace("correlation", "trace", "2026-01-01 00:00:00Z")
    assert error.entra_code == "7000215"
    assert error.exit_code == ExitCode.SIGN_IN


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_each_known_code_has_a_cause_and_a_remedy(code: str) -> None:
    error = sign_in_error({"error_description": f"AADSTS{code}: some text"})
    assert (error.cause, error.remedy, error.new_sign_in) == EXPLANATIONS[code]


def test_where_it_can_be_set_up_stands_in_the_hint() -> None:
    assert "from a trusted place or device" in EXPLANATIONS["53010"].remedy


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_an_explanation_fits_into_lines(code: str) -> None:
    cause, remedy, _ = EXPLANATIONS[code]
    for line in (cause, remedy):
        assert line
        assert not line.endswith(".") or line.endswith("...")
        assert len(line) <= 105, line


@pytest.mark.parametrize("code", ["7000", "70002150", "0", "99999"])
def test_an_unknown_code_says_that_it_is_entra_ids_and_where_microsoft_explains_it(code: str) -> None:
    error = sign_in_error({"error_description": f"AADSTS{code}: some text"})
    assert error.cause == "this is an error of Entra ID that pallink does not know"
    assert error.remedy == f"read Microsoft's explanation: https://login.microsoftonline.com/error?code={code}"
    assert error.new_sign_in is None


@pytest.mark.parametrize("code", ["9" * 40, "\u0663\u0664", ""])
def test_what_is_no_code_is_not_looked_up(code: str) -> None:
    error = sign_in_error({"error_description": f"AADSTS{code}: some text"})
    assert error.cause == "the response has no error code of Entra ID"
    assert error.entra_code is None


# What a link, a guest, a device policy, a revoked or expired sign-in, consent, a federated credential and a policy
# between tenants can raise, by Microsoft's documentation.
MET = {
    "an expired or revoked sign-in": "50132 50133 50173 70008 70043 700082 700084 50078 50089 530036",
    "a device or conditional access policy": "50005 50097 50129 50131 50155 50187 53000 53001 53002 53003 53009"
    " 530002 530003 530004 530032 530035",
    "a guest or a policy between tenants": "16000 16003 50014 50020 50177 50178 500021 500022 5000211 500208 500212"
    " 500213 500571 530034 90072 90099 1000104",
    "consent and assignment": "50105 65001 65004 65005 650052 650056 650057 90008 90094 90095 7000229",
    "a federated credential": "70021 70025 700211 700212 700213 7002137 7002138 700222 700223 700229 700236 700238"
    " 7002381 700024 500133",
}


@pytest.mark.parametrize("situation", MET)
def test_the_codes_that_a_link_can_meet_are_explained(situation: str) -> None:
    assert set(MET[situation].split()) <= set(EXPLANATIONS)


def test_the_subjects_of_new_github_repositories_are_named() -> None:
    error = sign_in_error({"error_description": "AADSTS700213: No matching federated identity record found"})
    assert "repo:OWNER@ID/REPO@ID:" in str(error.remedy)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param({"error_description": "AADSTS1: text Trace ID: x Timestamp: y"}, "AADSTS1: text", id="one line"),
        pytest.param({"error_description": "text\nmore"}, "text", id="several lines"),
        pytest.param({"error_description": "a\x1b[2Jb"}, "a?[2Jb", id="escape sequence"),
        pytest.param({"error": "invalid_client"}, "invalid_client", id="no description"),
        pytest.param({}, "Entra ID gave no reason", id="nothing"),
        pytest.param({"error_description": "Trace ID: x"}, "Entra ID gave no reason", id="identifiers only"),
    ],
)
def test_what_entra_id_said_is_told_in_one_line(answer: dict[str, Any], text: str) -> None:
    error = sign_in_error(answer)
    assert error.message == f"the sign-in failed: {text}"
    assert error.remedy


def test_identifiers_from_elsewhere_are_taken_where_the_answer_has_none() -> None:
    elsewhere = RequestTrace("from a header")
    assert sign_in_error({"error": "x"}, trace=elsewhere).trace is elsewhere
    assert sign_in_error(WRONG_SECRET, trace=elsewhere).trace == RequestTrace(
        "correlation", "trace", "2026-01-01 00:00:00Z"
    )


@given(
    st.dictionaries(
        st.sampled_from(["error", "error_description", "trace_id", "correlation_id", "timestamp"]),
        st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2),
    )
)
def test_no_answer_crashes_the_explanation(answer: dict[str, object]) -> None:
    error = sign_in_error(answer)
    assert len(error.message.splitlines()) == 1
    assert len(str(error.trace or "").splitlines()) <= 1
