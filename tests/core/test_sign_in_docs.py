"""The documentation's table of methods is the code's."""

import re
from collections.abc import Iterable
from pathlib import Path

from pallink.azure.auth import credentials
from pallink.signin import METHODS, OFFERED_METHODS, SignInMethod

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "sign-in.md"
LOST = "\N{EN DASH}"
PLACES = ("terminal", "GitHub", "Azure Pipelines", "AKS", "VM")


def table() -> str:
    """The table as the code has it."""

    def names(variables: Iterable[str]) -> str:
        return ", ".join(f"`{name}`" for name in variables) or LOST

    head = ("method", *PLACES, "needs", "also looks at", "`login` keeps it")
    rows = [head, ("---",) * len(head)]
    for method in OFFERED_METHODS:
        info = METHODS[method]
        platforms = ["yes" if place in info.platforms else LOST for place in PLACES]
        rows.append(
            (f"`{method}`", *platforms, names(info.required), names(info.optional), "yes" if info.is_storable else "no")
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows).replace("| --- ", "|---").replace("|--- |", "|---|")


def documented() -> str:
    text = DOCUMENT.read_text("utf-8")
    return text.partition("<!-- methods -->\n")[2].partition("\n<!-- /methods -->")[0]


def test_the_table_of_methods_is_the_codes() -> None:
    assert documented() == table(), f"the table should be:\n{table()}"


def test_the_order_of_the_environments_methods_is_the_codes() -> None:
    paragraph = DOCUMENT.read_text("utf-8").partition("\n1. ")[2].partition("\n2. ")[0]
    assert re.findall(r"`([a-z-]+)`", paragraph) == [method for method, info in METHODS.items() if info.required]


def test_every_method_can_be_built() -> None:
    assert set(credentials._BUILDERS) == set(METHODS) == set(SignInMethod)


def test_only_places_that_the_table_has() -> None:
    assert {place for info in METHODS.values() for place in info.platforms} == set(PLACES)
