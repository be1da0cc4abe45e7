"""Why the operating system refused, as a clause of a message."""

import errno
import os

import pytest

from pallink.os_errors import os_reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "no such file or directory"),
        (OSError(errno.EIO, "I/O error"), "I/O error"),
        (OSError("The disk was removed"), "the disk was removed"),
        (ValueError("embedded null byte"), "embedded null byte"),
        (OSError(), ""),
    ],
)
def test_the_reason_is_a_clause(error: Exception, reason: str) -> None:
    assert os_reason(error) == reason


def test_the_words_of_this_system_begin_in_lower_case() -> None:
    assert not os_reason(OSError(errno.EACCES, os.strerror(errno.EACCES)))[0].isupper()
