"""Choosing benches, running them one after the other, and showing what they measured.

Belongs here: the list of benches, the table a person reads, and bench.json. Does not belong here: any measurement.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks import (
    center,
    clocks,
    load_tickets,
    memory,
    orchestrated,
    ownership,
    policies,
    refresh_history,
    scale,
    sla_vs_spine,
    sql_vs_rewrite,
)
from benchmarks.measure import Figure
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home


class Bench(Protocol):
    """Measures in `place`, an empty directory that is removed afterwards; `quick` at a scale that shows it works."""

    def __call__(self, place: Path, *, quick: bool) -> list[Figure]: ...


BENCHES: dict[str, Bench] = {
    "sql_vs_rewrite": sql_vs_rewrite.measure,
    "orchestrated": orchestrated.measure,
    "sla_vs_spine": sla_vs_spine.measure,
    "refresh_history": refresh_history.measure,
    "scale": scale.measure,
    "clocks": clocks.measure,
    "load_tickets": load_tickets.measure,
    "center": center.measure,
    "policies": policies.measure,
    "memory": memory.measure,
    "ownership": ownership.measure,
}


def run_benches(names: Sequence[str], home: Home, console: Console, *, quick: bool) -> Path:
    """Runs the benches named (default: all), prints each as it is done, and writes reports/bench.json; returns its path.

    Raises OpslaError on a name that is no bench.
    """
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise OpslaError(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    for name in names or BENCHES:
        with console.status(f"{name} ..."):
            figures = _measured(name, home.root / "bench", quick=quick)
        console.print(_table(name, figures, quick=quick))
        written = _write(name, figures, home, quick=quick)
    return written


def _measured(name: str, place: Path, *, quick: bool) -> list[Figure]:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        return BENCHES[name](place, quick=quick)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _table(name: str, figures: Sequence[Figure], *, quick: bool) -> Table:
    table = Table(title=f"{name}{' (quick: not judged)' if quick else ''}", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("compared with")
    table.add_column("figure", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column("of CPU time", justify="right")
    table.add_column("asked", justify="right")
    table.add_column("met")
    for figure in figures:
        verdict = figure.is_met(quick=quick)
        table.add_row(
            figure.what,
            _amount(figure.figure, figure.unit),
            figure.compared_with,
            _amount(figure.other, figure.unit),
            _ratio(figure.ratio),
            _ratio(figure.cpu_ratio),
            str(figure.asked) if figure.asked else "",
            "" if verdict is None else Text("yes", "green") if verdict else Text("no", "bold red"),
        )
    return table


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:,.2f} {unit}" if value < 100 and value != int(value) else f"{value:,.0f} {unit}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _write(name: str, figures: Sequence[Figure], home: Home, *, quick: bool) -> Path:
    """The other benches in the file keep what they measured last."""
    path = home.reports / "bench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    taken = {"taken_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "quick": quick, **_machine()}
    held[name] = {**taken, "figures": [figure.to_json(quick=quick) for figure in figures]}
    path.write_text(json.dumps(held, indent=2) + "\n", encoding="utf-8")
    return path


def _machine() -> dict[str, object]:
    """What the figures depend on besides the code."""
    return {
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
