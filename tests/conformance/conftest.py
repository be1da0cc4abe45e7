from pathlib import Path

import pytest

from tests.sandbox.client import Client


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)
