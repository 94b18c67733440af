"""What holds for every test.

Belongs here: the order of the files. Does not belong here: fixtures; those are beside the tests that share them.
"""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first (with --no-loadscope-reorder): a worker that begins one at the end leaves the other idle."""
    items.sort(key=lambda item: "integration" not in item.path.parts)
