"""Rows that are kept while what they follow from is the same: made anew by another row of what is read, another setting, other code, and by nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from opsla_dagster.assets import risk, worklist
from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.graph import PYTHON_TABLES
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.worklist import WorklistSettings
from opsla_dagster.sources.desk import Desk
from opsla_dagster.staffing import made_from
from opsla_dagster.warehouse.write import ensure_table, replace_whole

REPOSITORY = Path(__file__).resolve().parents[2]
#: Table -> where its rows are made, by which function, and a row of it.
KEPT: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "mart.worklist_policies": (worklist, "_policy_rows", {"queue": "back"}),
    "mart.open_case_risk": (risk, "_risk_rows", {"case_id": "a", "metric": "resolution"}),
    "mart.risk_model_card": (risk, "_card_rows", {"metric": "resolution"}),
    "mart.risk_calibration": (risk, "_calibration_rows", {"metric": "resolution", "probability_decile": 1}),
}

PACKAGE = REPOSITORY / "opsla_dagster"
#: What rows of an area do not follow from, or what their identity tells in another way: reading and writing, and settings by their content.
FRAME = ("assets", "catalog", "errors.py", "identity.py", "settings", "status.py", "warehouse", "window.py")
#: Of these settings rows follow from functions too.
SETTINGS_WITH_RULES = ("settings/staffing.py", "settings/worklist.py")


@dataclass
class Kept:
    """One table, over what it reads: a row of each."""

    table: PythonTable
    name: str
    scope: Scope
    made: list[str]

    def again(self) -> int:
        """Makes the table; how often its rows were computed."""
        self.made.clear()
        replace_whole(self.scope.connection, TABLES[self.name], self.table.rows(self.scope, None))
        return len(self.made)


@pytest.fixture(params=KEPT)
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    name = request.param
    module, function, row = KEPT[name]
    made: list[str] = []

    def rows(scope: Scope) -> list[dict[str, Any]]:
        made.append(name)
        return [row]

    monkeypatch.setattr(module, function, rows)
    # The tables of models have the function in their entry, as an argument.
    table = PYTHON_TABLES[name]
    if function in ("_card_rows", "_calibration_rows"):
        table = replace(table, rows=lambda scope, _: risk._of_models(scope, name, rows))
    with duckdb.connect() as connection:
        connection.execute("create schema ops; create schema mart")
        for read in table.deps:
            ensure_table(connection, TABLES[read])
            connection.execute(f"insert into {read} ({TABLES[read].columns[-1].name}) values (null)")
        settings = load_settings(REPOSITORY / "config", tmp_path)
        yield Kept(table, name, Scope(connection, Desk([]), settings, datetime(2025, 7, 1), None), made)


def test_rows_are_made_anew_by_another_row_of_each_table_that_is_read(kept: Kept) -> None:
    assert kept.again() == 1
    assert kept.again() == 0
    for read in kept.table.deps:
        kept.scope.connection.execute(f"update {read} set {TABLES[read].columns[-1].name} = '7'")
        assert kept.again() == 1, read
        assert kept.again() == 0, read
        kept.scope.connection.execute(f"delete from {read}")
        assert kept.again() == 1, read


def test_rows_are_made_anew_by_other_code(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.again()
    for module in (risk, worklist):
        monkeypatch.setattr(module, "code_identity", lambda *_: "of a later version")
    assert kept.again() == 1


def test_rows_are_made_anew_by_another_setting(kept: Kept) -> None:
    kept.again()
    settings = kept.scope.settings
    metric, told = next(iter(settings.sla_policies.metrics.items()))
    changed = told.model_copy(update={"title": "another one"})
    policies = settings.sla_policies.model_copy(update={"metrics": {**settings.sla_policies.metrics, metric: changed}})
    reads = {"mart.worklist_policies": replace(settings, worklist=WorklistSettings(weights={"P1": 7})), "mart.open_case_risk": replace(settings, sla_policies=policies)}
    again = Kept(kept.table, kept.name, replace(kept.scope, settings=reads.get(kept.name, settings)), kept.made).again()
    assert again == (kept.name in reads)


@pytest.mark.parametrize("area", [risk, worklist, made_from], ids=["risk", "worklist", "staffing"])
def test_all_code_that_rows_follow_from_is_in_their_identity(area: Any) -> None:
    told = {path.relative_to(PACKAGE) for pattern in area.CODE for path in PACKAGE.glob(pattern)}
    assert all(any(PACKAGE.glob(pattern)) for pattern in area.CODE)
    imported = {path for name in told for path in _imported(PACKAGE / name)}
    assert {str(path) for path in imported - told if path.parts[0] not in FRAME or str(path) in SETTINGS_WITH_RULES} == set()


def _imported(module: Path) -> Iterator[Path]:
    """The modules of the package that a module imports, relative to the package."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "opsla_dagster":
            place = PACKAGE.joinpath(*(node.module or "").split(".")[1:])
            for found in (place.with_suffix(".py"), *(place / f"{alias.name}.py" for alias in node.names)):
                if found.is_file():
                    yield found.relative_to(PACKAGE)
