"""What holds when a process is killed, a second one writes, readers read on, or the disk is full or read-only."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli import Said, environment, opsla, opsla_here
from dagster import DagsterRunStatus
from effort import IS_HOLD
from small_desk import (
    PUBLISHED,
    STORED,
    Rows,
    contents,
    copy_tables,
    desk_settings,
    differences,
    july,
    make,
    narrow_runs,
    one_o_clock,
    rows,
    takes_minutes,
)

from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.warehouse.case_copy import CASES_TABLE, PUBLICATION_TABLE
from opsla_dagster.warehouse.connection import open_duckdb
from opsla_dagster.warehouse.publish import publish
from opsla_dagster.warehouse.schema_version import VERSION_TABLE

FIRST_LOAD = ("run", "--cases", "4000", "--end", "2025-07-04", "--as-of", "2025-07-05T05:00")
#: Replaces the first three dates, and adds three.
SECOND_LOAD = ("run", "--cases", "4000", "--end", "2025-07-07", "--as-of", "2025-07-08T05:00")
#: The first one in `make test`, all of them in `make hold`.
KILLS, KILLS_IN_DEFAULT_SUITE = 24, 1
#: Each of them keeps a core busy, and reads everything so often at least.
READERS, READS = (2, 5) if IS_HOLD else (1, 3)


@dataclass(frozen=True)
class Prepared:
    """A home before and after the second load, and how long a load takes from its lease on."""

    config: Path
    home: Path
    before: dict[str, Rows]
    after: dict[str, Rows]
    marts_before: dict[str, Rows]
    marts_after: dict[str, Rows]
    seconds: float


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    directory = tmp_path_factory.mktemp("prepared")
    first = desk_settings(directory, cases=4_000)
    config, home = first.config_directory, first.home.root
    first.home.remember_cases(4_000)
    began_at = time.monotonic()
    make(first, [july(1, 3)], one_o_clock(july(5, 5).start))
    seconds = time.monotonic() - began_at  # a load by the command line takes twice as long: no kill comes too late
    undisturbed = desk_settings(directory / "undisturbed", cases=4_000, config=config)
    copy_tables(home, undisturbed.home.root)
    if IS_HOLD:  # kills at every moment of a load need to know how long that one takes
        seconds = undisturbed_seconds(undisturbed.home.root, config, SECOND_LOAD)
    else:
        make(undisturbed, [july(1, 6)], one_o_clock(july(8, 8).start))
    return Prepared(
        config, home, contents(home / "ops_warehouse.duckdb"), contents(undisturbed.home.warehouse),
        contents(home / "marts.duckdb", PUBLISHED), contents(undisturbed.home.marts_database, PUBLISHED), seconds,
    )  # fmt: skip


def undisturbed_seconds(home: Path, config: Path, load: tuple[str, ...]) -> float:
    """Lets a load go through; how long it took from its lease on."""
    with start(home, config, load=load) as process:
        started_at = wait_for_the_run(home, process)
        assert process.wait(timeout=300) == 0
        return time.monotonic() - started_at


def rerun(home: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """The second load in this process: another one is not the point, or was what was killed, interrupted or refused."""
    monkeypatch.setenv("OPSLA_HOME", str(home))
    monkeypatch.setenv("OPSLA_CONFIG", str(config))
    return opsla_here(*SECOND_LOAD, monkeypatch=monkeypatch)


def start(home: Path, config: Path, stderr: int = subprocess.DEVNULL, load: tuple[str, ...] = SECOND_LOAD) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "opsla_dagster.cli", *load]
    return subprocess.Popen(command, env=environment(home, config), stdout=subprocess.DEVNULL, stderr=stderr)


def wait_for_the_run(home: Path, process: subprocess.Popen[bytes]) -> float:
    """The instant at which the process takes its lease, which it does right before its first run."""
    leases = home / "dagster" / "processes"
    give_up_at = time.monotonic() + 120
    while not list(leases.glob("*.lock")):
        assert process.poll() is None, "ended before its run began"
        assert time.monotonic() < give_up_at, "never began"
        time.sleep(0.005)
    return time.monotonic()


# ---- kill -9 ---------------------------------------------------------------------------------------------------------


def moment(number: int) -> float:
    """Where in the run, from 0 to 1: spread evenly, whatever the number of kills, with a little chance (seeded)."""
    spread, step, rest = 0.0, 0.5, number + 1
    while rest:
        spread, step, rest = spread + step * (rest % 2), step / 2, rest // 2
    return min(max(spread + random.Random(number).uniform(-0.03, 0.03), 0.0), 1.0)


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=[] if n < KILLS_IN_DEFAULT_SUITE else takes_minutes) for n in range(KILLS)],
)
def test_a_killed_run_leaves_whole_tables_and_its_rerun_the_same_ones(
    prepared: Prepared, tmp_path: Path, number: int, record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_tables(prepared.home, tmp_path / "home")
    with start(home, prepared.config) as process:
        started_at = wait_for_the_run(home, process)
        time.sleep(max(0.0, started_at + moment(number) * prepared.seconds - time.monotonic()))
        process.kill()
        was_killed = process.wait() == -9

    # Every table is as it was before or as it would be after: no half-written window, no half-published mart.
    warehouse = home / "ops_warehouse.duckdb"
    found = contents(warehouse, STORED)
    new = [name for name in STORED if found[name] != prepared.before[name]]
    assert differences({name: found[name] for name in new}, {name: prepared.after[name] for name in new}) == {}
    marts = contents(home / "marts.duckdb", PUBLISHED)
    is_published = marts != prepared.marts_before
    assert differences(marts, prepared.marts_after if is_published else prepared.marts_before) == {}
    for parquet in sorted((home / "marts").glob("*.parquet")):
        sides = [side[name] for side in (prepared.marts_before, prepared.marts_after) for name in PUBLISHED if name.endswith(f".{parquet.stem}")]
        assert len(rows(warehouse, f"select * from read_parquet('{parquet}')")) in map(len, sides)
    record_property("killed at", f"{moment(number):.2f} of {prepared.seconds:.1f} s; {len(new)} of {len(STORED)} tables were new, "
                    f"marts {'new' if is_published else 'old'}{'' if was_killed else '; it had ended by then'}")

    if not IS_HOLD:  # the command line sees to what was killed; the tables are then made without it, at half the price
        narrow_runs(monkeypatch, "raw.cases")
    again = rerun(home, prepared.config, monkeypatch)

    assert again.code == 0, again.err
    if not IS_HOLD:
        make(desk_settings(tmp_path, cases=4_000, config=prepared.config), [july(1, 6)], one_o_clock(july(8, 8).start))
    assert differences(contents(warehouse), prepared.after) == {}
    assert differences(contents(home / "marts.duckdb", PUBLISHED), prepared.marts_after) == {}
    with open_instance(home) as instance:
        statuses = [run.status for run in instance.get_runs()]  # newest first
    assert statuses[0] is DagsterRunStatus.SUCCESS
    if was_killed:
        assert statuses[1:] in ([DagsterRunStatus.FAILURE], [DagsterRunStatus.SUCCESS], [])
        assert again.out.count("had been killed; Dagster now shows it as failed") == statuses[1:].count(DagsterRunStatus.FAILURE)


# ---- Ctrl-C ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [0.2, pytest.param(0.4, marks=takes_minutes), pytest.param(0.6, marks=takes_minutes)])
def test_ctrl_c_is_one_line_and_leaves_whole_tables(prepared: Prepared, tmp_path: Path, moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_tables(prepared.home, tmp_path / "home")
    with start(home, prepared.config, stderr=subprocess.PIPE) as process:
        wait_for_the_run(home, process)
        time.sleep(moment * prepared.seconds)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said.decode()
    assert said.decode().splitlines() == ["opsla: interrupted; no table is half-written, and the unfinished ones are as they were before"]
    stands(home, prepared, may_be_published=True)  # where the machine was busy when the load was measured, 0.6 of it is the report
    if IS_HOLD:
        again = rerun(home, prepared.config, monkeypatch)
        assert again.code == 0, again.err
        assert differences(contents(home / "ops_warehouse.duckdb"), prepared.after) == {}


# ---- a second process ------------------------------------------------------------------------------------------------


@takes_minutes
def test_a_second_writer_is_told_plainly_and_waits_no_longer_than_it_says(prepared: Prepared, tmp_path: Path) -> None:
    home = copy_tables(prepared.home, tmp_path / "home")
    command = f"import duckdb, sys; held = duckdb.connect({str(home / 'ops_warehouse.duckdb')!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        with ThreadPoolExecutor(2) as threads:  # each of them only waits; two loads would wait for each other
            commands = (SECOND_LOAD, ("explain", "C20250701-000001"))
            # The writer holds on until they have given up: who waited like an unattended run would run into the time limit of `opsla`.
            ended = list(threads.map(lambda arguments: opsla(*arguments, home=home, config=prepared.config), commands))
        ended.append(opsla("refresh", "--as-of", "2025-07-08T05:00", home=home, config=prepared.config))
        for told in ended:
            assert told.returncode == 1
            waits, complaint = told.stderr.splitlines()
            assert waits == f"opsla: waiting for process {writer.pid}, which works on this warehouse, for 10 seconds at most"
            assert complaint.startswith(f"opsla: {home / 'ops_warehouse.duckdb'}: process {writer.pid} is working on this warehouse")
        with open_instance(home) as instance:
            assert instance.get_runs() == [], "a run that cannot write need not begin"
        writer.stdin.close()
    assert differences(contents(home / "ops_warehouse.duckdb"), prepared.before) == {}


READER = """
import json, sys, time
from pathlib import Path
import duckdb, pyarrow.parquet
home, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads, twice, seen = 0, 0, set()
print("reading", flush=True)
while not stop.exists() or reads < int(sys.argv[4]):
    with duckdb.connect(str(home / "marts.duckdb"), read_only=True) as connection:
        tables = [row[0] for row in connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()]
        assert len(tables) == int(sys.argv[3]), tables
        for table in tables:
            connection.execute(f"select * from {table}").fetchall()
        clocks = connection.execute("select distinct as_of_at from mart.open_clocks").fetchall()
        refreshed = connection.execute("select max(as_of_at) from ops.refreshed_partitions").fetchall()
        assert clocks == refreshed, "one file holds two publishings"
        seen.add(str(refreshed))
    for parquet in sorted((home / "marts").glob("*.parquet")):
        before = parquet.stat().st_ino
        try:
            duckdb.connect().execute(f"select * from '{parquet}'").fetchall()
        except duckdb.Error:
            # DuckDB opens a Parquet file twice to read it. It may fail only where another one took its place in between.
            assert parquet.stat().st_ino != before
            twice += 1
        with parquet.open("rb") as opened_once:
            pyarrow.parquet.ParquetFile(opened_once).read()
    reads += 1
    time.sleep(0.05)
print(json.dumps({"reads": reads, "publishings_seen": len(seen), "parquet_replaced_while_opened_twice": twice}))
"""


@pytest.mark.parametrize("publishings", [3, pytest.param(100, marks=takes_minutes)])
def test_readers_of_the_published_marts_never_fail(prepared: Prepared, tmp_path: Path, publishings: int) -> None:
    """A reader, again and again, while the marts are published several times; in `make hold` two readers, and a whole load goes on."""
    settings = desk_settings(tmp_path, cases=4_000, config=prepared.config)
    home = copy_tables(prepared.home, settings.home.root)
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(home), str(stop), str(len([*PUBLISHED, VERSION_TABLE, PUBLICATION_TABLE, CASES_TABLE])), str(READS)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(READERS)]
    try:
        for reader in readers:
            assert reader.stdout is not None
            reader.stdout.readline()
        warehouse = open_duckdb(settings.home.warehouse, read_only=False)
        for _ in range(publishings):
            for table in ("ops.refreshed_partitions", "mart.open_clocks"):
                warehouse.execute(f"update {table} set as_of_at = as_of_at + interval 1 second")
            publish(warehouse, settings.home, PUBLISHED)
        warehouse.close()
        if IS_HOLD:
            make(settings, [july(1, 6)], one_o_clock(july(8, 8).start))
    finally:
        stop.touch()
        told = [reader.communicate(timeout=120) for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * READERS, told
    for out, _ in told:
        figures = json.loads(out)
        assert figures["publishings_seen"] > (2 if IS_HOLD else 1), figures
        assert figures["parquet_replaced_while_opened_twice"] < 10, figures


# ---- disks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Disk:
    """A small disk of its own."""

    path: Path

    def become(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True, capture_output=True)

    def leave_free(self, kibibytes: int) -> None:
        usage = shutil.disk_usage(self.path)
        self.become(f"size={(usage.used // 1024) + kibibytes}k")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500m", "tmpfs", str(path)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a disk of its own cannot be mounted here: {mounted.stderr.strip()}")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True, capture_output=True)


def stands(home: Path, prepared: Prepared, *, may_be_published: bool = False) -> None:
    """The tables are whole, old or new; the published marts are the old ones, or may be the new ones."""
    found = contents(home / "ops_warehouse.duckdb", STORED)
    new = [name for name in STORED if found[name] != prepared.before[name]]
    assert differences({name: found[name] for name in new}, {name: prepared.after[name] for name in new}) == {}
    marts = contents(home / "marts.duckdb", PUBLISHED)
    if not may_be_published or marts != prepared.marts_after:
        assert differences(marts, prepared.marts_before) == {}


def one_message(told: subprocess.CompletedProcess[str] | Said, *words: str) -> None:
    code, said = (told.code, told.err) if isinstance(told, Said) else (told.returncode, told.stderr)
    assert code == 1
    assert "Traceback" not in said
    (message,) = [line for line in said.splitlines() if line.startswith("opsla: ")]
    for word in words:
        assert word in message


@pytest.mark.parametrize("kibibytes", [600, pytest.param(6_000, marks=takes_minutes)])
def test_a_full_disk_is_one_message_and_costs_nothing(prepared: Prepared, disk: Disk, kibibytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_tables(prepared.home, disk.path / "home")
    disk.leave_free(kibibytes)

    one_message(opsla(*SECOND_LOAD, home=home, config=prepared.config), str(home), "free some space")

    stands(home, prepared)
    if IS_HOLD:
        disk.become("size=500m")
        assert rerun(home, prepared.config, monkeypatch).code == 0
        assert differences(contents(home / "ops_warehouse.duckdb"), prepared.after) == {}


NOT_WRITTEN, NOT_PUBLISHED = "the warehouse could not be written", "the marts could not be published"


@pytest.mark.parametrize(
    ("sizes", "places"),
    [
        ((0, 3_200), {NOT_WRITTEN}),
        pytest.param((0, 200, 800, 1_600, 2_400, 3_200, 4_000, 5_000, 6_500, 8_000, 160_000), {"enough", NOT_WRITTEN, NOT_PUBLISHED}, marks=takes_minutes),
    ],
    ids=["some", "all"],
)
def test_wherever_the_disk_runs_full_the_tables_are_whole(prepared: Prepared, disk: Disk, sizes: tuple[int, ...], places: set[str]) -> None:
    """More and more space, from none to enough, without Dagster's own files: in a table, in a commit, while publishing."""
    settings = desk_settings(disk.path, cases=4_000, config=prepared.config)
    told = set()
    for kibibytes in sizes:
        disk.become("size=500m")
        shutil.rmtree(settings.home.root)
        home = copy_tables(prepared.home, settings.home.root)
        disk.leave_free(kibibytes)
        try:
            make(settings, [july(1, 6)], one_o_clock(july(8, 8).start))
            told.add("enough")
        except OpslaError as error:
            told.add(next((words for words in (NOT_WRITTEN, NOT_PUBLISHED) if words in str(error)), str(error)))
            assert "No space left on device" in str(error)
            stands(home, prepared)
    assert places <= told <= {"enough", NOT_WRITTEN, NOT_PUBLISHED}


@takes_minutes
def test_a_limit_on_file_sizes_is_one_message(prepared: Prepared, tmp_path: Path) -> None:
    home = copy_tables(prepared.home, tmp_path / "home")
    limit = (home / "ops_warehouse.duckdb").stat().st_size // 4

    told = subprocess.run(
        [sys.executable, "-m", "opsla_dagster.cli", *SECOND_LOAD], env=environment(home, prepared.config),
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip

    one_message(told)
    stands(home, prepared)


def test_a_read_only_home_is_one_message(prepared: Prepared, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_tables(prepared.home, disk.path / "home")
    disk.become("ro")

    one_message(rerun(home, prepared.config, monkeypatch), str(home), "writable")

    # Nothing was touched, so that the load goes through once it is writable needs no proof.
    assert differences(contents(home / "ops_warehouse.duckdb"), prepared.before) == {}
    assert differences(contents(home / "marts.duckdb", PUBLISHED), prepared.marts_before) == {}


@takes_minutes
def test_a_read_only_home_that_dagster_knows_already(prepared: Prepared, disk: Disk) -> None:
    """The same once there is a dagster.yaml, which need not be written again."""
    home = disk.path / "home"
    assert opsla(*FIRST_LOAD, home=home, config=prepared.config).returncode == 0
    disk.become("ro")

    for arguments in (SECOND_LOAD, ("refresh",)):
        one_message(opsla(*arguments, home=home, config=prepared.config), str(home))
    stands(home, prepared)
    assert opsla("explain", "C20250701-000001", home=home, config=prepared.config).returncode == 0
