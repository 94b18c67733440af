"""Running the small inputs of this directory: a case's log and config in a home of its own, and what its tables hold.

Belongs here: making tables of a case, or of files that a test writes. Does not belong here: tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml
from small_desk import make, rows, up_to

from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.sources.desk import build_desk

CASES = Path(__file__).parent
AS_OF_AT = datetime(2025, 12, 1)


@dataclass(frozen=True)
class Made:
    """The tables of a home, and the outcomes of their checks."""

    settings: Settings
    outcomes: list[tuple[str, Outcome]]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return rows(self.settings.home.warehouse, sql)

    def clocks(self, columns: str, where: str = "true") -> list[tuple[object, ...]]:
        """`columns` of staging.sla_clocks, case id first, in the order of cases and metrics."""
        return self.rows(f"select case_id, {columns} from staging.sla_clocks where {where} order by case_id, metric, policy")

    def notes(self) -> list[str]:
        return build_desk(self.settings).reading_notes(AS_OF_AT)


def made(config: Path, home: Path, *tables: str, as_of_at: datetime = AS_OF_AT) -> Made:
    """Makes `tables` and all that they are made of, over the sources' own window; every check that stops a run passes."""
    settings = load_settings(config, home)
    home.mkdir(parents=True, exist_ok=True)
    outcomes = make(settings, [build_desk(settings).window()], as_of_at, only=up_to(settings, *tables))
    failed = [(table, outcome.check) for table, outcome in outcomes if not outcome.passed and not outcome.check.startswith(("warn", "gate", "drift"))]
    assert failed == []
    return Made(settings, outcomes)


def config_of(case: str, directory: Path, log: str | None = None, policies: dict[str, object] | None = None, **source: object) -> Path:
    """A copy of a case's config in `directory` over `log` (default: its own), with settings of its source and sla_policies.yml replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config").mkdir()
    for path in (CASES / case / "config").iterdir():
        (directory / "config" / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    content = log if log is not None else (CASES / case / "log.csv").read_text(encoding="utf-8")
    (directory / "log.csv").write_text(content, encoding="utf-8")
    for name, overrides in (("sources.yml", None), ("sla_policies.yml", policies)):
        path = directory / "config" / name
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if name == "sources.yml":
            document["sources"][0].update(source)
            document["sources"][0] = {key: value for key, value in document["sources"][0].items() if value is not None}
        document.update(overrides or {})
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return directory / "config"
