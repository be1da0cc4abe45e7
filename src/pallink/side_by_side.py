"""Runs what does not need each other's answers at the same time."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from pallink.errors import PallinkError


def side_by_side(*calls: Callable[[], Any]) -> list[Any]:
    """Run each call in a thread of its own and return, in their order, what each returned or which error it raised.

    Only a `PallinkError` is returned; any other exception is a defect and is raised here. The threads are daemons: one
    that waits for the network keeps neither Ctrl-C nor the end of the program waiting.
    """
    answers: queue.Queue[tuple[int, Any]] = queue.Queue()

    def run(index: int, call: Callable[[], Any]) -> None:
        try:
            answers.put((index, call()))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            answers.put((index, error))

    for index, call in enumerate(calls):
        threading.Thread(target=run, args=(index, call), daemon=True).start()
    outcomes: list[Any] = [None] * len(calls)
    for _ in calls:
        index, outcome = _next(answers)
        if isinstance(outcome, BaseException) and not isinstance(outcome, PallinkError):
            raise outcome
        outcomes[index] = outcome
    return outcomes


def errors_in(outcomes: Sequence[Any]) -> list[PallinkError]:
    """The errors among what `side_by_side` returned."""
    return [outcome for outcome in outcomes if isinstance(outcome, PallinkError)]


def _next(answers: "queue.Queue[tuple[int, Any]]") -> tuple[int, Any]:
    # On Windows a wait without a time-out cannot be interrupted by Ctrl-C.
    while True:
        try:
            return answers.get(timeout=0.2)
        except queue.Empty:
            continue
