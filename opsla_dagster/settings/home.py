"""The home: where all state lives, and the memory that work on it may take.

Belongs here: the paths, and what the environment says of both. Does not belong here: reading or writing them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opsla_dagster.errors import OpslaError

DEFAULT_UI_URL = "http://127.0.0.1:3000"
_MEMORY = re.compile(r"(?=.*[1-9])(?P<number>\d{1,6}(\.\d+)?)\s*(?P<unit>%|[kmgt](i?b)?)", re.IGNORECASE)


#: Without $OPSLA_MEMORY_LIMIT DuckDB may have this share of what the machine, or the container, has: others live there as well.
_DEFAULT_SHARE = 0.5
#: DuckDB holds up to a quarter more than it counts: what its readers and writers of files have, and what its allocator has not given back yet.
_COUNTED_SHARE = 0.8
#: Of that a source has this share while its rows go into the warehouse, which has the rest.
READING_SHARE = 0.4
#: Of that the warehouse keeps this share for as long as it is open, once it has needed it.
_KEPT_SHARE = 0.25
#: Where Linux tells the bound of a container, in bytes: cgroups of version 2 (`max` where there is none), and of version 1.
CONTAINER_BOUNDS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_bound(share: float = 1.0) -> dict[str, str]:
    """DuckDB's setting for `share` of $OPSLA_MEMORY_LIMIT (such as 2GB), less what DuckDB does not count; else of half of what there is.

    Raises OpslaError for what is no amount of memory.
    """
    limit = os.environ.get("OPSLA_MEMORY_LIMIT", "").strip()
    amount = _MEMORY.fullmatch(limit)
    if limit and amount is None:
        raise OpslaError(f"OPSLA_MEMORY_LIMIT={limit}: is no amount of memory; write 2GB, 512MB or 50%")
    available = available_memory_bytes(CONTAINER_BOUNDS)
    limit_bytes = available * _DEFAULT_SHARE if amount is None else _COUNTED_SHARE * _bytes_of(amount, available)
    return {"memory_limit": f"{int(limit_bytes * share)}B"}


def _bytes_of(amount: re.Match[str], available: int) -> float:
    """What $OPSLA_MEMORY_LIMIT says, of the bytes that are `available`."""
    if amount["unit"] == "%":
        return available * float(amount["number"]) / 100
    unit = amount["unit"].lower()
    base = 1_024 if "i" in unit else 1_000
    return float(float(amount["number"]) * base ** ("kmgt".index(unit[0]) + 1))


def _kept_memory() -> dict[str, str]:
    """DuckDB's setting for memory that it keeps between statements: given back, and asked for again page by page, it costs the system's time.

    Nothing is kept where somebody set a limit: what is kept is not always counted in it.
    """
    if os.environ.get("OPSLA_MEMORY_LIMIT", "").strip():
        return {}
    return {"block_allocator_memory": memory_bound(_KEPT_SHARE)["memory_limit"]}


def available_memory_bytes(container_bounds: Sequence[Path]) -> int:
    """The machine's memory, or that of the container where it is less."""
    bounds = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in container_bounds:
        with suppress(OSError, ValueError):  # not every system has the file, and `max` is no number
            bounds.append(int(path.read_text(encoding="ascii")))
    return min(bounds)


@dataclass(frozen=True)
class Home:
    """The directory of $OPSLA_HOME (default ./.opsla) and what lies in it."""

    root: Path

    @classmethod
    def of(cls, root: Path | None = None) -> Home:
        return cls((root or Path(os.environ.get("OPSLA_HOME") or ".opsla")).resolve())

    @property
    def warehouse(self) -> Path:
        return self.root / "ops_warehouse.duckdb"

    @property
    def marts(self) -> Path:
        """Published marts, one Parquet file each."""
        return self.root / "marts"

    @property
    def marts_database(self) -> Path:
        """Published marts as a DuckDB file that nobody writes to."""
        return self.root / "marts.duckdb"

    @property
    def case_copies(self) -> Path:
        """Published copies of single cases, of which the published marts name theirs; nobody writes to one that they name."""
        return self.root / "cases"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def source_cache(self) -> Path:
        return self.root / "sources"

    @property
    def drops(self) -> Path:
        """What was received from drop folders: the receipts, and a copy of each file that a source reads."""
        return self.root / "drops"

    @property
    def bronze(self) -> Path:
        """What was loaded from ticket systems, one DuckDB file an account: <account>.duckdb."""
        return self.root / "bronze"

    @property
    def names(self) -> Path:
        """Who the pseudonyms of agents are, a CSV file a source, where somebody asked for it; nothing else of the home has names."""
        return self.root / "names"

    @property
    def spill(self) -> Path:
        """Where DuckDB puts what does not fit into memory."""
        return self.root / "spill"

    def duckdb_config(self) -> dict[str, str]:
        """DuckDB's settings for the warehouse. Raises OpslaError as `memory_bound` does."""
        # A run checkpoints when it closes the file; DuckDB's own 16 MB would have it do the same work several times.
        return {"temp_directory": str(self.spill), "checkpoint_threshold": "256MB", **memory_bound(), **_kept_memory()}

    @property
    def _ui_url_file(self) -> Path:
        return self.root / "ui_url"

    def remember_ui_url(self, url: str) -> None:
        """Keeps where the UI listens, for the links in alerts that other processes send."""
        self._ui_url_file.write_text(f"{url}\n", encoding="utf-8")

    def has_ui_url(self) -> bool:
        """Whether a UI ever listened for this home."""
        return self._ui_url_file.exists()

    def ui_url(self) -> str:
        """Where `opsla dev` listened last; its default where it never did."""
        try:
            return self._ui_url_file.read_text(encoding="utf-8").strip() or DEFAULT_UI_URL
        except (OSError, UnicodeDecodeError):
            return DEFAULT_UI_URL

    @property
    def _cases_file(self) -> Path:
        return self.root / "simulated_cases"

    def remember_cases(self, cases: int) -> None:
        """Keeps `opsla run --cases N` for the refreshes that follow, which must simulate the same desk."""
        aside = self._cases_file.with_suffix(".new")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
            raise OpslaError(f"{self.root}: cannot be a home (OPSLA_HOME): {error.strerror}") from error
        aside.write_text(f"{cases}\n", encoding="utf-8")
        aside.replace(self._cases_file)

    def remembered_cases(self) -> int | None:
        try:
            return int(self._cases_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OpslaError(f"{self.root}: cannot be a home (OPSLA_HOME): {error.strerror}") from error
        except ValueError as error:
            raise OpslaError(f"{self._cases_file}: expected the number of cases to simulate; mend or delete the file") from error
