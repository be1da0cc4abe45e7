import inspect
import itertools
import re

import pytest

from pallink import errors
from pallink.errors import (
    AccessDeniedError,
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    RequestTrace,
    ServiceError,
    SignInError,
    UnreachableError,
    UnsettledWriteError,
    UsageError,
    most_important,
)
from pallink.exit_codes import PRECEDENCE, ExitCode

TREE = {
    "PallinkError": ("Exception", 1),
    "UsageError": ("PallinkError", 2),
    "SubscriptionNotFoundError": ("UsageError", 2),
    "NotLinkedError": ("PallinkError", 3),
    "SignInError": ("PallinkError", 4),
    "WrongAccountError": ("SignInError", 4),
    "MoreProofNeededError": ("SignInError", 4),
    "LinkedElsewhereError": ("PallinkError", 5),
    "AccessDeniedError": ("PallinkError", 6),
    "ReaderRoleError": ("AccessDeniedError", 6),
    "UnreachableError": ("PallinkError", 7),
    "ServiceError": ("PallinkError", 1),
    "PartnerIdRefusedError": ("ServiceError", 1),
    "UnexpectedAnswerError": ("ServiceError", 1),
    "RefusedRequestError": ("PallinkError", 1),
    "SandboxError": ("PallinkError", 1),
    "UnsettledWriteError": ("PallinkError", 7),
    "OutputError": ("PallinkError", 1),
    "JournalError": ("PallinkError", 1),
    "DefectError": ("PallinkError", 1),
    "StalePlanError": ("PallinkError", 1),
    "NotRunError": ("PallinkError", 8),
    "AccountsFailedError": ("PallinkError", 8),
    "FleetDiffersError": ("PallinkError", 9),
    "CancelledError": ("PallinkError", 130),
}

BY_CODE: dict[int, PallinkError] = {
    4: SignInError("x"),
    7: UnreachableError("x"),
    5: LinkedElsewhereError("x", linked_partner_id="1", wanted_partner_id="2"),
    3: NotLinkedError("x"),
    6: AccessDeniedError("x"),
}


def test_the_tree_of_errors_is_frozen() -> None:
    classes = inspect.getmembers(errors, lambda each: inspect.isclass(each) and issubclass(each, PallinkError))
    assert {name: (each.__base__.__name__, int(each.exit_code)) for name, each in classes} == TREE


def test_the_docstring_shows_the_tree() -> None:
    lines = re.findall(r"^([ │├└─]+)(\w+Error) +(\d+)", str(errors.__doc__), re.MULTILINE)
    parents = ["Exception"]
    shown = {}
    for indent, name, code in lines:
        depth = len(indent) // 4
        parents[depth:] = [name]
        shown[name] = (parents[depth - 1], int(code))
    assert shown == TREE


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations([4, 7, 5, 3, 6], 2)))
def test_where_two_hold_the_first_of_4_7_5_3_6_is_reported(first: int, second: int) -> None:
    assert most_important([BY_CODE[first], BY_CODE[second]]) is BY_CODE[first]
    assert most_important([BY_CODE[second], BY_CODE[first]]) is BY_CODE[first]


def test_where_all_hold_the_sign_in_is_reported_whatever_their_order() -> None:
    for order in itertools.permutations(BY_CODE.values()):
        assert most_important(order) is BY_CODE[4]


@pytest.mark.parametrize("code", PRECEDENCE)
def test_an_error_without_a_place_in_the_order_comes_first(code: ExitCode) -> None:
    unlisted = ServiceError("x")
    assert most_important([BY_CODE[code], unlisted]) is unlisted


def test_of_two_alike_the_first_is_reported() -> None:
    errors_alike = [NotLinkedError("first"), NotLinkedError("second")]
    assert most_important(errors_alike) is errors_alike[0]


def test_nothing_is_reported_where_nothing_failed() -> None:
    assert most_important([]) is None


def test_the_exit_codes_are_frozen() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "ERROR": 1,
        "USAGE": 2,
        "NOT_LINKED": 3,
        "SIGN_IN": 4,
        "LINKED_ELSEWHERE": 5,
        "ACCESS": 6,
        "UNREACHABLE": 7,
        "SOME_FAILED": 8,
        "FLEET_DIFFERS": 9,
        "INTERRUPTED": 130,
    }


def test_each_exit_code_has_a_meaning_of_its_own() -> None:
    meanings = [code.meaning for code in ExitCode]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


def test_an_error_says_what_happened_why_and_what_to_do() -> None:
    trace = RequestTrace("c", "r", "t")
    error = UsageError("what", cause="why", remedy="how", command="pallink", trace=trace)
    assert str(error) == error.message == "what"
    assert (error.cause, error.remedy, error.command, error.trace) == ("why", "how", "pallink", trace)


@pytest.mark.parametrize(("cause", "joined"), [(None, "more"), ("why", "why; more")])
def test_a_further_cause_is_added(cause: str | None, joined: str) -> None:
    error = ServiceError("what", cause=cause)
    more = error.with_cause("more")
    assert (type(more), more.message, more.cause) == (ServiceError, "what", joined)
    assert error.cause == cause, "an error never changes"


def test_a_copy_keeps_where_an_error_comes_from() -> None:
    error = LinkedElsewhereError("what", linked_partner_id="1", wanted_partner_id="2")
    error.__cause__ = ValueError("reason")
    copy = error.replace(command="pallink show")
    assert copy.__cause__ is error.__cause__
    assert (copy.linked_partner_id, copy.command, error.command) == ("1", "pallink show", None)


def test_an_unsettled_write_says_to_look_first() -> None:
    error = UnsettledWriteError("what", cause="why", trace=RequestTrace("c"))
    assert error.exit_code == ExitCode.UNREACHABLE
    assert error.remedy == "check the link, then run the command again"


@pytest.mark.parametrize(
    ("trace", "text"),
    [
        (RequestTrace(), ""),
        (RequestTrace("c"), "correlation ID c"),
        (RequestTrace("c", "r", "t"), "correlation ID c, request ID r, time t"),
        (RequestTrace(request_id="r"), "request ID r"),
    ],
)
def test_the_identifiers_of_a_request(trace: RequestTrace, text: str) -> None:
    assert str(trace) == text
