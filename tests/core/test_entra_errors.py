from typing import Any

import pytest
from hypothesis import given, strategies as st

from pallink.errors import RequestTrace
from pallink.exit_codes import ExitCode
from pallink.signin.entra_errors import EXPLANATIONS, sign_in_error

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
        "the sign-in failed: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value."
    )
    assert error.cause == "the client secret is wrong"
    assert "AZURE_CLIENT_SECRET" in str(error.remedy)
    assert error.trace == RequestTrace("correlation", "trace", "2026-01-01 00:00:00Z")
    assert error.exit_code == ExitCode.SIGN_IN


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_each_known_code_has_a_cause_and_a_remedy(code: str) -> None:
    error = sign_in_error({"error_description": f"AADSTS{code}: some text"})
    assert (error.cause, error.remedy) == EXPLANATIONS[code]


@pytest.mark.parametrize("code", ["7000", "70002150", "0"])
def test_a_code_is_known_as_a_whole_only(code: str) -> None:
    assert sign_in_error({"error_description": f"AADSTS{code}: some text"}).cause is None


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
