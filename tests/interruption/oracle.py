"""Judges an interrupted command: what it says of the link has to be so."""

import json
import re
import shlex
from collections.abc import Iterator

from tests.bench import Observation
from tests.harness import Pallink


def last_line(ended: Observation) -> str:
    return ended.stderr.splitlines()[-1]


def stated_link(ended: Observation) -> str:
    """Return what the last line says of the link, in the words of an error object."""
    line = last_line(ended)
    if line.startswith("{"):
        return str(json.loads(line)["link"])
    if line in {"link: not changed", "cause: nothing was written", "    pallink whoami --all"}:
        return "unchanged"
    return "changed" if line.startswith("link: changed: ") else "unknown"


def command_to_look_with(ended: Observation) -> str:
    line = last_line(ended)
    if line.startswith("{"):
        return str(json.loads(line)["command"])
    match = re.fullmatch(r"link: may or may not have been changed, check it with: (pallink show .*)", line)
    assert match, line
    return match[1]


def violations(ended: Observation, pallink: Pallink | None = None, *, is_at_a_request: bool = True) -> Iterator[str]:
    """Yield what is wrong with how a command ended.

    Args:
        ended: How it ended.
        pallink: Runs the command to look with.
        is_at_a_request: Whether it was interrupted at a request: what was not sent then cannot be in doubt.
    """
    if ended.code != 130:
        yield f"exit code {ended.code}: {ended.stderr}"
    if "Traceback" in ended.stderr or ended.stderr.count("interrupted") != 1:
        yield f"not said just once, and in words: {ended.stderr}"
    match stated_link(ended):
        case "unchanged" if ended.after != ended.before:
            yield f"says that nothing was changed, but {ended.before} became {ended.after}"
        case "changed":
            yield from _changed(ended)
        case "unknown":
            if is_at_a_request and not ended.has_written:
                yield "does not know, though nothing was sent"
            command = command_to_look_with(ended)
            looked = pallink(*shlex.split(command)[1:]) if pallink is not None else None
            if looked is not None and looked.code != (3 if ended.after.partner_id is None else 0):
                yield f"{command} ends with {looked.code}"


def _changed(ended: Observation) -> Iterator[str]:
    line = last_line(ended)
    if ended.after.version != ended.before.version + 1:
        yield f"says changed, but {ended.before} became {ended.after}"
    linked = re.search(r"changed: (?:created, now|updated from \d+ \(.*\) to) (\d+) \(", line)
    removed = re.search(r"changed: (\d+) \(.*\) was removed", line)
    if (linked and linked[1]) != ended.after.partner_id or (removed and removed[1] != ended.before.partner_id):
        yield f"{line!r}, but {ended.before} became {ended.after}"
    if not linked and not removed:
        yield f"does not say how it was changed: {line}"
