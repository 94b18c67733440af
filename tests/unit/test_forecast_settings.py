"""config/forecast.yml: read strictly, and not needed; and what holds of every document."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import Document, read_document
from opsla_dagster.settings.forecast import ForecastSettings, read_forecast
from opsla_dagster.settings.run_history import RunHistorySettings


def test_without_the_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_forecast(tmp_path / "forecast.yml") == ForecastSettings()


def test_targets_and_changes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "forecast.yml"
    path.write_text("targets: {all: 500, queues: {Billing: 40}}\nwhat_ifs: {two more: {heads_pct: 20}}\nstatsforecast: [MSTL]\n", encoding="utf-8")
    read = read_forecast(path)
    assert (read.targets.all, read.targets.queues) == (500, {"Billing": 40})
    assert read.what_ifs["two more"].heads_pct == 20
    assert read.statsforecast == ("MSTL",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("what_ifs: {nothing: {}}", "forecast.yml: what_ifs.nothing: a what-if needs a change: heads_pct, arrivals_pct or handling_time_pct"),
        ("what_ifs: {none left: {heads_pct: -100}}", "forecast.yml: what_ifs.none left.heads_pct: "),
        ("what_ifs: {as now: {heads_pct: 5}}", "'as now' is the name of no change at all"),
        ("targets: {all: -1}", "forecast.yml: targets.all: "),
        ("statsforecast: [Prophet]", "forecast.yml: statsforecast.0: "),
        ("horizon: 28", "forecast.yml: horizon: no such setting"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "forecast.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OpslaError) as refused:
        read_forecast(path)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("model", "text", "told"),
    [
        (RunHistorySettings, "kept_days: yes", "kept_days: expected a number; found true"),
        (ForecastSettings, "targets: {queues: {Billing: on}}", "targets.queues.Billing: expected a number; found true"),
        (ForecastSettings, "what_ifs: {more: {heads_pct: yes}}", "what_ifs.more.heads_pct: expected a number; found true"),
    ],
)
def test_a_yes_is_no_number(tmp_path: Path, model: type[Document], text: str, told: str) -> None:
    """YAML reads yes as true, which Python takes for 1: a history of one day in the place of none."""
    path = tmp_path / "document.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OpslaError, match=rf"document\.yml: {re.escape(told)}$"):
        read_document(path, model)
