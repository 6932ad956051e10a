from pathlib import Path

import pytest

from devserver.provide import find, is_own, provide

# These are about the server that is built here; where Temporal's own command serves instead, there is none to test.
collect_ignore = [] if (found := find()) is None or is_own(found) else ["test_devserver_own.py"]


def pytest_report_header() -> str:
    return f"Temporal: {found or 'to be provided'}"


@pytest.fixture(scope="session")
def binary() -> Path:
    return provide(print)
