"""Large families of tests: a few chosen members run by default, the others only with `-m exhaustive`."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from hypothesis import settings

USUAL_EXAMPLES = 100
"""How many examples a property test tries with `-m exhaustive`; by default it tries a third."""


def combinations(*axes: Iterable[Any], default: Callable[..., bool]) -> list[ParameterSet]:
    """Return every combination of the axes as parameters of a test.

    Args:
        axes: The values of each parameter.
        default: Whether a combination, given as its values, belongs to the default run.
    """
    return [
        pytest.param(*values, marks=() if default(*values) else pytest.mark.exhaustive) for values in product(*axes)
    ]


def examples(usual: int) -> int:
    """Return how many examples a property test tries in this run, by the number in the exhaustive one."""
    return usual * settings().max_examples // USUAL_EXAMPLES


def joined(value: object) -> str | None:
    """Return the ID of a parameter that is a tuple, as pytest makes it of several; None lets pytest make it."""
    return "-".join(map(str, value)) if isinstance(value, tuple) else None
