"""Sessions of the Python API in one process: each keeps its own secrets out of its errors, and leaves none behind."""

import gc
import traceback

import pytest

import pallink
from pallink.redact.secrets import REDACTED, Secrets, redact
from pallink.sandbox import Request, Response
from tests.secrets.ground import Ground
from tests.secrets.watch import Usual, secrets_of


def echo(request: Request, _: Usual) -> Response:
    """Refuse the request, and repeat what was sent."""
    return Response(400, {}, b'{"error": {"code": "Echo", "message": "%s"}}' % " ".join(secrets_of(request)).encode())


@pytest.fixture
def application(ground: Ground) -> Ground:
    ground.prepare("client-secret")
    ground.watch.otherwise("GET", "/partners", echo)
    return ground


def connect() -> pallink.Session:
    return pallink.connect(cloud="sandbox", auth="client-secret")


def test_an_error_carries_no_secret_in_its_texts_nor_in_those_of_its_chain(application: Ground) -> None:
    with connect() as session, pytest.raises(pallink.ServiceError, match=r"\[redacted\]") as caught:
        session.show()
    printed = "".join(traceback.format_exception(caught.value))
    application.hunt.look("a traceback of the Python interface", printed)
    assert caught.value.__cause__ is caught.value.__context__ is None

    application.watch.otherwise("POST", "/oauth2/v2.0/token", echo)
    with pytest.raises(pallink.SignInError) as caught_sign_in:
        connect()
    application.hunt.look("a traceback of a sign-in", "".join(traceback.format_exception(caught_sign_in.value)))
    assert caught_sign_in.value.__cause__ is caught_sign_in.value.__context__ is None


def test_an_error_in_a_result_has_no_chain_either(ground: Ground) -> None:
    ground.prepare("client-secret")
    ground.watch.otherwise("GET", "roleassignments", echo)
    with connect() as session:
        result = session.check()
    assert result.error is not None
    assert result.error.__cause__ is result.error.__context__ is None
    ground.hunt.look("the error in a result", "".join(traceback.format_exception(result.error)))


def test_an_argument_that_holds_a_secret_is_redacted(ground: Ground) -> None:
    secret = ground.secrets["client secret"]
    with pytest.raises(pallink.UsageError) as caught:
        pallink.connect(cloud="sandbox", auth=secret)
    assert REDACTED in caught.value.message
    assert secret not in caught.value.message


def alive() -> int:
    gc.collect()
    return sum(isinstance(found, Secrets) for found in gc.get_objects())


def test_the_first_of_many_sessions_keeps_its_secrets_redacted_and_the_others_leave_none(application: Ground) -> None:
    before = alive()
    with connect() as first:
        for _ in range(20):
            with connect() as session, pytest.raises(pallink.ServiceError):
                session.show()
        with pytest.raises(pallink.ServiceError) as caught:
            first.show()
        assert REDACTED in caught.value.message
        application.hunt.look("an error of the first session", caught.value.message)
        del session, caught
        assert alive() == before + 1
    token = next(secret for secret, kind in application.hunt.kinds.items() if kind == "access token")
    claims = token.split(".")[1]
    assert redact(f"claims {claims}") == f"claims {claims}"
