"""docs/explanation/reader-check.md says what the program does."""

import re
from pathlib import Path

import pytest

from pallink.roles import Verdict
from pallink.settings import RoleCheck

TEXT = (Path(__file__).parents[1] / "docs" / "explanation" / "reader-check.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*Verdict, *RoleCheck])
def test_every_verdict_and_every_choice_has_its_row(word: str) -> None:
    assert re.search(rf"^\| `{word}` \|", TEXT, re.MULTILINE)
