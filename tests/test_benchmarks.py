"""The benchmark runs. What it measures is not judged: that depends on the machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / "benchmarks" / "run.py"


def benchmark(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, str(RUN), *words], capture_output=True, text=True, check=False)


# What is sent at once is known by what overlaps in time.
@pytest.mark.exhaustive
def test_it_counts_requests_and_the_longest_chain_of_them() -> None:
    done = benchmark("--only", "requests")
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^\| pallink (\w+) \| (\d+ \| \d+) \|$", done.stdout, re.MULTILINE))
    # openid-configuration, token, subscriptions, assignments and PUT have to wait for one another; nothing else does.
    assert rows == {"link": "7 | 5", "verify": "6 | 4", "show": "4 | 3"}
    assert "| plain script | 7 | 7 |" in done.stdout
    assert "The plain script sends the same requests as pallink link: yes" in done.stdout


@pytest.mark.parametrize(
    "section", ["start-up", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("link", "tenants"))]
)
def test_it_prints_a_table_with_ratios(section: str) -> None:
    done = benchmark("--runs", "1", "--only", section)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\| pallink .* \| \d+ \|", done.stdout, re.MULTILINE)
    assert re.search(r"\| \d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\) \|", done.stdout)


@pytest.mark.exhaustive
def test_the_redaction_is_timed() -> None:
    done = subprocess.run(
        [sys.executable, str(RUN.with_name("redaction.py"))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\| (?:register|redact|show) .*\| \d+\.\d\d \|$", done.stdout, re.MULTILINE)) == 16


def test_an_unknown_section_is_refused() -> None:
    done = benchmark("--only", "everything")
    assert done.returncode == 2
    assert "unknown: everything" in done.stderr
