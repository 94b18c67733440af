"""Every config file explains itself, and what ships with the product can be loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import CONFIG_FILES, REPOSITORY, header_of, named

from opsla_dagster.build import build_definitions
from opsla_dagster.settings import load_settings


@pytest.mark.parametrize("word", ["Units", "Source", "Worked example"])
def test_every_config_file_opens_with(word: str) -> None:
    silent = [named(path) for path in CONFIG_FILES if word.lower() not in header_of(path).lower()]
    assert not silent, f"the comment before the first setting has `{word}: ...`"


@pytest.mark.parametrize(
    "directory", [REPOSITORY / "config", *sorted(path for path in (REPOSITORY / "examples").iterdir() if path.is_dir())], ids=lambda directory: directory.name
)
def test_every_config_directory_makes_definitions(directory: Path) -> None:
    definitions = build_definitions(load_settings(directory, home=Path("nowhere")))
    assert definitions.resolve_asset_graph().get_all_asset_keys()
