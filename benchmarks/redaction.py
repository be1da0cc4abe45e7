"""Times what it takes to register a secret and to redact text, beside the plainest way to do so; see README.md."""

import timeit
from collections.abc import Callable
from functools import partial

from pallink.debug.exchange import format_response
from pallink.redact.debug import debug_text
from pallink.redact.secrets import REDACTED, Secrets
from pallink.redact.text import one_line

ROUNDS = 7
LINE = "GET https://management.azure.com/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509 failed: ".ljust(200, ".")
ORDINARY = [f"ordinary-secret-{number:04}~abcdefghijklmnop" for number in range(1_000)]
WITH_ESCAPES = [f"p&ssw/rd+{number:04}='é" for number in range(10)]
TOKENS = [f"eyJ0eXAi.eyJvaWQi{number:04}{'c2lnbmF0dXJl' * 120}.c2ln" for number in range(10)]


PIECES = ("a", "eyJ", "eyJ.x.", "://", "Basic ")


def page(text: str) -> list[str]:
    """Show a page of a proxy, as `--debug` does."""
    headers = [("Content-Type", "text/html")]
    body = f"<p>{text}".encode()
    return list(format_response(status=502, milliseconds=1, headers=headers, body=body, is_sign_in=False))


def seconds(call: Callable[[], object]) -> float:
    """Return the time of one call: the shortest of some rounds."""
    number = max(1, int(0.02 / max(timeit.timeit(call, number=1), 1e-7)))
    return min(timeit.repeat(call, number=number, repeat=ROUNDS)) / number


def replace_all(text: str, secrets: list[str]) -> str:
    """Redact as it would be done in one line: one form of each secret, and nothing by its shape."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text


def row(what: str, took: float, beside: str, other: float) -> None:
    """Print a row of the table."""
    print(f"| {what} | {took * 1e6:,.1f} | {beside} | {other * 1e6:,.1f} | {took / other:.2f} |")


def registering() -> None:
    """Register secrets that are new, and one that is known."""
    for kind, secrets in {
        "ordinary": ORDINARY[:10],
        "with characters to escape": WITH_ESCAPES,
        "token": TOKENS,
    }.items():
        took = seconds(partial(Secrets, *secrets)) / len(secrets)
        other = seconds(partial(set, secrets)) / len(secrets)
        row(f"register one secret, {kind}", took, "put it in a set", other)
    known = Secrets(*TOKENS)
    took = seconds(lambda: known.add(*TOKENS)) / len(TOKENS)
    row("register one that is known, token", took, "put it in a set", seconds(lambda: set(TOKENS)) / len(TOKENS))


def redacting() -> None:
    """Redact lines, and megabytes."""
    for kind, secrets in {
        "10 secrets": ORDINARY[:10],
        "10 with characters to escape": WITH_ESCAPES,
        "10 tokens": TOKENS,
        "1,000 secrets": ORDINARY,
    }.items():
        redact = Secrets(*secrets).redact
        took, other = seconds(partial(redact, LINE)), seconds(partial(replace_all, LINE, secrets))
        row(f"redact a line of 200 characters, {kind}", took, "as many `str.replace`", other)
    redact = Secrets(*ORDINARY[:10]).redact
    for piece in PIECES:
        long, short = (piece * (size // len(piece)) for size in (4_000_000, 400_000))
        took, other = seconds(partial(redact, long)), seconds(partial(redact, short))
        row(f"redact 4 MB of `{piece}`", took, "400 kB of it", other)
    shows: dict[str, Callable[[str], object]] = {
        "a message": one_line,
        "a text for --debug": debug_text,
        "a page for --debug": page,
    }
    for what, call in shows.items():
        # The piece that takes longest.
        took, other = (
            max(seconds(partial(call, piece * (size // len(piece)))) for piece in (*PIECES, "basic YTo6"))
            for size in (4_000_000, 400_000)
        )
        row(f"show {what} of 4 MB, at most", took, "400 kB of it", other)


def main() -> None:
    """Print the table."""
    print("| what | µs | beside it | µs | ratio |")
    print("|---|---|---|---|---|")
    registering()
    redacting()


if __name__ == "__main__":
    main()
