"""The Python API, which the command line is one caller of."""

import re

import pytest

import pallink
from tests.harness import Clock, Traffic
from tools.program import ROOT

OWNER = "owner@contoso.com"


def test_the_job_of_the_readme() -> None:
    with pallink.connect(cloud="sandbox", account="invoices@contoso.com") as session:
        assert session.account.kind is pallink.AccountKind.USER
        assert session.link("719878").action is pallink.Action.CREATED
        assert session.show().partner_name == "Mekorma"
        verified = session.verify("719878")
        assert verified.matches
        assert verified.error is None
        assert session.update("6183402").previous_partner_id == "719878"
        assert session.check().role is pallink.Verdict.READER
        with pytest.raises(pallink.LinkedElsewhereError) as refused:
            session.link("719878")
        assert (refused.value.linked_partner_id, refused.value.wanted_partner_id) == ("6183402", "719878")
        assert session.unlink().action is pallink.Action.DELETED
        with pytest.raises(pallink.NotLinkedError):
            session.show()
        assert isinstance(session.verify("719878").error, pallink.NotLinkedError)


def test_a_number_is_no_partner_id(traffic: Traffic) -> None:
    with pallink.connect(cloud="sandbox") as session:
        for job in (session.link, session.update, session.unlink, session.verify):
            with pytest.raises(pallink.UsageError, match="719878 is not a partner ID: it must be a string"):
                job(719878)  # type: ignore[arg-type]
    assert traffic.of_partners() == []


def test_a_read_only_session_cannot_write(traffic: Traffic) -> None:
    with pallink.connect(cloud="sandbox", writable=False) as session, pytest.raises(pallink.RefusedRequestError):
        session.link("719878")
    assert traffic.writes() == []


@pytest.mark.parametrize("answer", [True, False])
def test_a_caller_may_confirm(answer: bool, traffic: Traffic) -> None:
    seen: list[pallink.Proposal] = []

    def confirm(proposal: pallink.Proposal) -> bool:
        seen.append(proposal)
        return answer

    with pallink.connect(cloud="sandbox") as session:
        if answer:
            session.link("719878", confirm=confirm)
        else:
            with pytest.raises(pallink.CancelledError):
                session.link("719878", confirm=confirm)
    assert [each.step.partner_id for each in seen] == ["719878"]
    assert seen[0].account.name == "invoices@contoso.com"
    assert traffic.writes() == (["PUT"] if answer else [])


def test_a_link_that_changes_while_somebody_thinks_is_shown_again() -> None:
    shown: list[str | None] = []

    with pallink.connect(cloud="sandbox") as session, pallink.connect(cloud="sandbox") as somebody:
        session.link("719878")

        def confirm(proposal: pallink.Proposal) -> bool:
            shown.append(proposal.current.partner_id if proposal.current else None)
            if len(shown) == 1:
                somebody.update("6183402")
            return True

        done = session.update("5127255", confirm=confirm)
    assert shown == ["719878", "6183402"]
    assert (done.previous_partner_id, done.warnings) == ("6183402", ())


def test_a_link_that_became_another_partners_while_somebody_thinks_is_left_alone(traffic: Traffic) -> None:
    with pallink.connect(cloud="sandbox") as session, pallink.connect(cloud="sandbox") as somebody:

        def confirm(_: pallink.Proposal) -> bool:
            somebody.link("6183402")
            return True

        with pytest.raises(pallink.LinkedElsewhereError):
            session.link("719878", confirm=confirm)
    assert traffic.writes() == ["PUT"]


def test_how_long_somebody_thinks_is_not_the_commands_time(clock: Clock) -> None:
    def confirm(_: pallink.Proposal) -> bool:
        clock.wait(500)
        return True

    with pallink.connect(cloud="sandbox", timeout=20) as session:
        assert session.link("719878", confirm=confirm).action is pallink.Action.CREATED


@pytest.mark.parametrize("partner_id", ["abc", "", "12"])
def test_arguments_are_checked_like_options(partner_id: str) -> None:
    with pallink.connect(cloud="sandbox") as session, pytest.raises(pallink.UsageError):
        session.link(partner_id)
    with pytest.raises(pallink.UsageError):
        pallink.connect(cloud="http://x")


# --- The roles of other accounts --------------------------------------------------------------------------------------


def test_the_example_of_the_page_about_roles(capsys: pytest.CaptureFixture[str], traffic: Traffic) -> None:
    page = (ROOT / "docs" / "how-to" / "assign-roles.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(example, {})  # noqa: S102 - it is the project's own
    assert re.fullmatch(r"created /subscriptions/c042c020-.*/roleAssignments/[0-9a-f-]{36}\n", capsys.readouterr().out)
    assert [method for method, path in traffic.sent if "roleAssignments/" in path] == ["GET", "PUT", "DELETE", "GET"]
    assert traffic.of_partners() == []


def test_an_administrator_without_a_permission_to_write(traffic: Traffic) -> None:
    with pallink.connect_administrator(cloud="sandbox", account=OWNER, writable=False) as administrator:
        assert administrator.account.name == OWNER
        dry = administrator.assign("invoices@contoso.com", subscriptions=["Contoso Development"], dry_run=True)
        assert [row.action for row in dry.rows] == [pallink.Action.CREATED]
        assert administrator.show("invoices@contoso.com").rows
        with pytest.raises(pallink.RefusedRequestError):
            administrator.assign("invoices@contoso.com", subscriptions=["Contoso Development"])
    assert not [method for method, _ in traffic.sent if method == "PUT"]


def test_what_an_administrator_must_say() -> None:
    with pallink.connect_administrator(cloud="sandbox", account=OWNER) as administrator:
        with pytest.raises(pallink.UsageError, match="missing scope"):
            administrator.assign("invoices@contoso.com")
        with pytest.raises(pallink.UsageError, match="allows more than reading"):
            administrator.assign("invoices@contoso.com", role="Contributor", subscriptions=["Contoso Development"])
        with pytest.raises(pallink.CancelledError):
            administrator.assign(
                "invoices@contoso.com", subscriptions=["Contoso Development"], confirm=lambda _proposal: False
            )
    with (
        pallink.connect_administrator(cloud="sandbox") as itself,
        pytest.raises(pallink.WrongAccountError, match="is the one that gets the role"),
    ):
        itself.assign("invoices@contoso.com", subscriptions=["Contoso Development"])


def test_each_job_of_an_administrator_has_its_own_time(clock: Clock) -> None:
    with pallink.connect_administrator(cloud="sandbox", account=OWNER, timeout=10) as administrator:
        for _ in range(2):
            clock.wait(60)
            assert administrator.show("invoices@contoso.com").rows
