"""`opsla init` on a folder in which somebody has left a marker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.sources import EventLogSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.drops.receiving import receive
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin

LOG = "number,state,at\nA1,New,2025-07-01 14:00:00Z\nA1,Resolved,2025-07-01 16:00:00Z\n"
NEXT = "number,state,at\nA2,New,2025-07-02 14:00:00Z\n"


def begun(files: list[Path], directory: Path) -> None:
    answers = Answers(
        files=files, zendesk=None, intercom=False, directory=directory, name="esc", timezone="UTC", start_date=None, time_format=None, columns=[],
        statuses=[], email_variable="E", token_variable=None, key_variable="K", base_url=None,
    )  # fmt: skip
    assert begin(answers, Asking(Console(quiet=True), is_allowed=False)) is not None


@pytest.mark.parametrize(("folder", "named"), [("drops", "drops"), ("drops/2025-07-01", "drops"), ("drops/2025-07-01", "drops/2025-07-01/a.csv")])
def test_a_folder_with_a_marker_is_proposed_as_a_drop_folder(tmp_path: Path, folder: str, named: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "a.csv").write_text(LOG, encoding="utf-8")
    (tmp_path / folder / "_SUCCESS").touch()
    later = tmp_path / folder / "b.csv"
    later.write_text(NEXT, encoding="utf-8")
    os.utime(later, (2e9, 2e9))
    begun([tmp_path / named], tmp_path / "desk")
    settings = load_settings(tmp_path / "desk", tmp_path / "home")
    drop_folder = settings.sources.drop_folders["esc"]
    assert Path(drop_folder.location("esc", settings.config_directory)) == tmp_path / "drops"
    source = settings.sources.sources[0]
    assert isinstance(source, EventLogSettings)
    assert source.files == ("../drops/**/*.csv",)
    receive(settings)
    assert build_desk(settings).files_read()[0].names == (str(tmp_path / folder / "a.csv"),)


def test_a_folder_without_a_marker_is_refused_as_ever_and_a_file_is_a_file(tmp_path: Path) -> None:
    log = tmp_path / "exports" / "a.csv"
    log.parent.mkdir()
    log.write_text(LOG, encoding="utf-8")
    with pytest.raises(OpslaError, match="is a directory, expected a file"):
        begun([log.parent], tmp_path / "desk")
    begun([log], tmp_path / "desk")
    assert load_settings(tmp_path / "desk", tmp_path / "home").sources.drop_folders == {}
