"""Local lists of who the pseudonyms of agents are: <home>/names/<source>.csv, written and read on this machine only.

Belongs here: keeping and reading such lists. Does not belong here: tables and exports, which never hold a name.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home

_HEADER = ["agent", "name"]
_FOR_THE_OWNER_ALONE = 0o600


def keep_names(home: Home, source: str, names: Mapping[str, str]) -> Path:
    """Adds `names` (pseudonym -> name) to the list of the source; who is listed by the vendor no more stays. Raises OpslaError."""
    path = home.names / f"{source}.csv"
    together = {**(_names_in(path) if path.exists() else {}), **names}
    aside = path.with_suffix(".new")
    try:
        home.names.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FOR_THE_OWNER_ALONE), "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            writer.writerows(sorted(together.items()))
        aside.replace(path)
    except OSError as error:
        raise OpslaError(f"{path}: the names of agents cannot be kept there: {error.strerror or error}") from error
    return path


def names_of(home: Home) -> dict[tuple[str, str], str]:
    """(source, agent) -> name, of every list in the home; empty where there is none. Raises OpslaError for a list that cannot be read."""
    return {(path.stem, agent): name for path in sorted(home.names.glob("*.csv")) for agent, name in _names_in(path).items()}


def _names_in(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OpslaError(f"{path}: cannot be read as CSV in UTF-8: {error}") from error
    if not rows or rows[0] != _HEADER:
        raise OpslaError(f"{path}: begins with {','.join(rows[0]) if rows else 'nothing'}; expected the line {','.join(_HEADER)}")
    wrong = next((number for number, row in enumerate(rows[1:], start=2) if len(row) != len(_HEADER)), None)
    if wrong is not None:
        raise OpslaError(f"{path}: row {wrong} has {len(rows[wrong - 1])} values; expected an agent and a name (quote a name that has a comma)")
    return {row[0]: row[1] for row in rows[1:]}
