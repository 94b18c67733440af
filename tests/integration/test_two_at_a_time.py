"""Two tables at a time: what is independent overlaps, what is not keeps its order, and failures, retries and Ctrl-C end as they do one at a time."""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from opsla_dagster.assets.factory import beside_or_alone
from opsla_dagster.assets.retrying import UNATTENDED_TAG, allow_one_rerun, failing_plainly
from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.two_at_a_time import FIRST_TAG, ONE_AT_A_TIME_TAG, two_at_a_time
from opsla_dagster.interrupts import deliver_interrupt, noting_interrupts
from opsla_dagster.running import _was_cancelled, carry_out
from opsla_dagster.warehouse.connection import Warehouse

PATIENCE_SECONDS = 30.0
Work = Callable[[dg.AssetExecutionContext], None]


class Told:
    """What the steps of a toy run did, and by which thread."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.threads: dict[str, int] = {}

    def asset(self, name: str, work: Work, deps: tuple[str, ...] = (), **more: Any) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=deps, **more)
        def toy(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
            self.threads[name] = threading.get_ident()
            work(context)
            self.steps.append(name)
            return dg.MaterializeResult()

        return toy


@pytest.fixture
def told() -> Told:
    return Told()


def run(
    *assets: dg.AssetsDefinition, instance: dg.DagsterInstance | None = None, tags: Mapping[str, str] | None = None, **resources: Any
) -> dg.ExecuteInProcessResult:
    definitions = dg.Definitions(assets=assets, jobs=[dg.define_asset_job("all_of_it", "*")], resources=resources, executor=two_at_a_time)
    with dg.DagsterInstance.ephemeral() if instance is None else instance as used:
        return carry_out(definitions.resolve_job_def("all_of_it"), used, tags or {})


def nothing(_context: dg.AssetExecutionContext) -> None:
    """A table without rows."""


def failing(_context: dg.AssetExecutionContext) -> None:
    raise dg.Failure("as asked", allow_retries=False)


def ends_of(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    kinds = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_SKIPPED}
    return {str(event.step_key): event.event_type_value for event in result.all_events if event.event_type in kinds}


def test_what_does_not_wait_for_each_other_is_made_at_the_same_time(told: Told) -> None:
    both_are_at_work = threading.Barrier(2)

    def meet(_context: dg.AssetExecutionContext) -> None:
        both_are_at_work.wait(PATIENCE_SECONDS)  # broken, and the run fails, unless the other one comes

    result = run(told.asset("a", meet), told.asset("b", meet), told.asset("c", nothing, ("a", "b")))
    assert result.success
    assert told.steps[-1] == "c"
    assert told.threads["a"] != told.threads["b"]


def test_never_are_three_at_work(told: Told) -> None:
    at_work, most = set[str](), list[int]()
    guard = threading.Lock()

    def counted(context: dg.AssetExecutionContext) -> None:
        with guard:
            at_work.add(context.asset_key.to_user_string())
            most.append(len(at_work))
        time.sleep(0.02)
        with guard:
            at_work.remove(context.asset_key.to_user_string())

    assert run(*(told.asset(f"t{number}", counted) for number in range(12))).success
    assert max(most) == 2


def test_what_follows_each_other_is_made_in_order_by_the_thread_that_a_ctrl_c_reaches(told: Told) -> None:
    chain = [told.asset(f"t{number}", nothing, (f"t{number - 1}",) if number else ()) for number in range(6)]
    assert run(*chain).success
    assert told.steps == [f"t{number}" for number in range(6)]
    assert set(told.threads.values()) == {threading.get_ident()}


def test_the_longest_way_is_begun_first(told: Told) -> None:
    short = [told.asset(f"a_short{number}", nothing) for number in range(5)]
    long = [told.asset("z0", nothing), *(told.asset(f"z{number}", nothing, (f"z{number - 1}",)) for number in range(1, 4))]
    result = run(*short, *long)
    begun = [event.step_key for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_START]
    assert begun.index("z0") < 2  # one of the first two


def test_what_is_asked_for_first_is_made_first_with_all_that_leads_to_it(told: Told) -> None:
    long = [told.asset("a0", nothing), *(told.asset(f"a{number}", nothing, (f"a{number - 1}",)) for number in range(1, 6))]
    leading = [told.asset("z_leads", nothing), told.asset("z_leads_too", nothing)]
    assert run(*long, *leading, told.asset("z_first", nothing, ("z_leads", "z_leads_too"), op_tags={FIRST_TAG: "true"})).success
    assert told.steps.index("z_first") <= 4  # three of its own, and what the other thread did while it waited for them


def test_what_fails_takes_with_it_only_what_is_made_from_it(told: Told) -> None:
    result = run(
        told.asset("bad", failing),
        told.asset("from_bad", nothing, ("bad",)),
        told.asset("good", nothing),
        told.asset("from_good", nothing, ("good",)),
    )
    assert not result.success
    assert ends_of(result) == {"bad": "STEP_FAILURE", "good": "STEP_SUCCESS", "from_good": "STEP_SUCCESS"}
    assert set(told.steps) == {"good", "from_good"}


def test_what_fails_beside_is_told_as_well(told: Told) -> None:
    """Whichever thread has it: of two that fail at the same time, both are told."""
    both_are_at_work = threading.Barrier(2)

    def meet_and_fail(context: dg.AssetExecutionContext) -> None:
        both_are_at_work.wait(PATIENCE_SECONDS)
        failing(context)

    result = run(told.asset("a", meet_and_fail), told.asset("b", meet_and_fail))
    assert ends_of(result) == {"a": "STEP_FAILURE", "b": "STEP_FAILURE"}


def test_a_step_is_tried_again_while_others_go_on(told: Told) -> None:
    tries = []

    def at_the_second_try(context: dg.AssetExecutionContext) -> None:
        tries.append(context.retry_number)
        if context.retry_number == 0:
            raise dg.RetryRequested(max_retries=1, seconds_to_wait=0.2)

    result = run(told.asset("late", at_the_second_try), told.asset("after_late", nothing, ("late",)), told.asset("other", nothing))
    assert result.success
    assert tries == [0, 1]
    assert told.steps[0] == "other"
    assert told.steps[-1] == "after_late"


def test_what_is_told_is_in_order_step_by_step(told: Told) -> None:
    result = run(*(told.asset(f"t{number}", nothing) for number in range(8)))
    kinds: dict[str, list[str]] = {}
    for event in result.all_events:
        if event.step_key is not None and event.event_type_value.startswith("STEP_"):
            kinds.setdefault(event.step_key, []).append(event.event_type_value)
    assert len(kinds) == 8
    assert all(told_of_one == ["STEP_START", "STEP_OUTPUT", "STEP_SUCCESS"] for told_of_one in kinds.values())


LONG_QUERY = "select count(*) from range(1000000000000) as a where hash(range) = 1"


def test_ctrl_c_stops_both(told: Told, tmp_path: Path) -> None:
    """The one in the run's thread is interrupted by the signal, the query of the other one by us."""
    both_are_at_work = threading.Barrier(2)

    def never_done(context: dg.AssetExecutionContext) -> None:
        with failing_plainly(context, (), context.resources.warehouse):
            connection = context.resources.warehouse.connection()
            both_are_at_work.wait(PATIENCE_SECONDS)
            if threading.current_thread() is threading.main_thread():
                threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
                time.sleep(3 * PATIENCE_SECONDS)
            connection.execute(LONG_QUERY).fetchone()

    a, b = (told.asset(name, never_done, required_resource_keys={"warehouse"}) for name in ("a", "b"))
    later = told.asset("later", nothing)  # Dagster puts it after `a` and `b`, and nothing that failed keeps it from being made
    began = time.monotonic()
    result = run(a, b, later, warehouse=Warehouse(database=str(tmp_path / "w.duckdb")))
    assert time.monotonic() - began < 2 * PATIENCE_SECONDS
    assert result.dagster_run.status is dg.DagsterRunStatus.FAILURE  # canceled is what somebody has asked Dagster for
    assert told.steps == []
    assert not [thread for thread in threading.enumerate() if thread.name == "steps beside"]
    assert ends_of(result) == {"a": "STEP_FAILURE", "b": "STEP_FAILURE"}
    assert _was_cancelled(result)


def test_the_system_s_wish_that_it_ends_is_no_failure_of_a_step(told: Told) -> None:
    """SIGTERM while the run's thread waits for the other one."""
    both_are_at_work = threading.Barrier(2)

    def meet(_context: dg.AssetExecutionContext) -> None:
        both_are_at_work.wait(PATIENCE_SECONDS)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(1.0)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.5)

    result = run(told.asset("a", meet), told.asset("b", meet), told.asset("c", nothing, ("a", "b")))
    assert set(ends_of(result).values()) == {"STEP_SUCCESS"}
    assert "c" not in told.steps
    assert _was_cancelled(result)


def test_who_presses_ctrl_c_again_does_not_wait_for_the_other_thread(told: Told) -> None:
    both_are_at_work = threading.Barrier(2)
    may_end = threading.Event()

    def meet(_context: dg.AssetExecutionContext) -> None:
        both_are_at_work.wait(PATIENCE_SECONDS)
        if threading.current_thread() is threading.main_thread():
            for seconds in (0.2, 1.0):
                threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()
            time.sleep(PATIENCE_SECONDS)
        may_end.wait(PATIENCE_SECONDS)

    began = time.monotonic()
    result = run(told.asset("a", meet), told.asset("b", meet))
    assert time.monotonic() - began < PATIENCE_SECONDS / 2
    assert _was_cancelled(result)
    may_end.set()


def test_a_table_that_is_done_meanwhile_is_no_second_ctrl_c(told: Told) -> None:
    """The progress bar interrupts again what got lost; of what the other thread still ends, the run waits for all."""
    both_are_at_work = threading.Barrier(2)
    ended = []

    def meet(_context: dg.AssetExecutionContext) -> None:
        both_are_at_work.wait(PATIENCE_SECONDS)
        if threading.current_thread() is threading.main_thread():
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            time.sleep(PATIENCE_SECONDS)
        time.sleep(0.5)
        deliver_interrupt()
        time.sleep(0.5)
        ended.append(threading.current_thread().name)

    with noting_interrupts():
        result = run(told.asset("a", meet), told.asset("b", meet))
        assert ended == ["steps beside"]
    assert _was_cancelled(result)


def test_ctrl_c_ends_the_wait_for_the_warehouse(told: Told, tmp_path: Path) -> None:
    """Both wait for the file, for hours: another process has it."""
    path = tmp_path / "w.duckdb"
    holding = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys, time; held = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(600)", str(path)], stdout=subprocess.PIPE
    )
    try:
        assert holding.stdout is not None
        assert holding.stdout.readline() == b"open\n"
        opening = partial(told.asset, work=lambda context: context.resources.warehouse.connection(), required_resource_keys={"warehouse"})
        threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        result = run(opening("a"), opening("b"), warehouse=Warehouse(database=str(path), patience_seconds=600.0))
        assert time.monotonic() - began < PATIENCE_SECONDS
        assert _was_cancelled(result)
    finally:
        holding.kill()
        holding.wait()


def test_hours_of_an_api_are_made_by_the_run_s_own_thread(told: Told) -> None:
    load = partial(told.asset, work=lambda _: time.sleep(0.1), op_tags={ONE_AT_A_TIME_TAG: "true"})
    assert run(load("one"), load("other")).success
    assert set(told.threads.values()) == {threading.get_ident()}


def test_a_ctrl_c_that_duckdb_made_an_error_of_ends_the_run(told: Told) -> None:
    def interrupted(context: dg.AssetExecutionContext) -> None:
        with failing_plainly(context, ()):
            raise RuntimeError("Query interrupted")

    result = run(told.asset("a", interrupted), told.asset("b", nothing, ("c",)), told.asset("c", lambda _: time.sleep(1.0)))
    assert _was_cancelled(result)
    assert ends_of(result)["a"] == "STEP_FAILURE"
    assert "b" not in told.steps


def test_what_fails_and_speaks_of_something_interrupted_has_failed(told: Told) -> None:
    def refused(_context: dg.AssetExecutionContext) -> None:
        raise dg.Failure("mart.t: gate_rate failed (rate 0.4), for example: T-7 | Service interrupted", allow_retries=False)

    assert not _was_cancelled(run(told.asset("a", refused)))


def test_the_file_is_closed_while_all_that_is_left_waits_to_be_tried_again(told: Told, tmp_path: Path) -> None:
    """Also where others went on with it meanwhile."""
    path = tmp_path / "w.duckdb"
    found: list[str] = []

    def late(context: dg.AssetExecutionContext) -> None:
        with failing_plainly(context, (4.0,), context.resources.warehouse):
            context.resources.warehouse.connection()
            if context.retry_number == 0:
                raise PassingError("log.csv: no such file")

    def other(context: dg.AssetExecutionContext) -> None:
        with context.resources.warehouse.at_work():
            context.resources.warehouse.connection()
            time.sleep(0.5)

    def read_meanwhile() -> None:
        opened = subprocess.run([sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)", str(path)], capture_output=True, text=True, check=False)
        found.append(opened.stderr)

    with_warehouse = partial(told.asset, required_resource_keys={"warehouse"})
    threading.Timer(2.5, read_meanwhile).start()
    result = run(
        with_warehouse("late", late), with_warehouse("other", other), with_warehouse("after_other", other, ("other",)),
        tags={UNATTENDED_TAG: "true"}, warehouse=Warehouse(database=str(path)),
    )  # fmt: skip
    assert result.success
    assert told.steps == ["other", "after_other", "late"]
    assert found == [""]


def test_a_run_that_two_steps_begin_is_found_once(told: Told, tmp_path: Path) -> None:
    both_are_at_work = threading.Barrier(2)

    def begin(context: dg.AssetExecutionContext) -> None:
        both_are_at_work.wait(PATIENCE_SECONDS)
        allow_one_rerun(context)

    assert run(told.asset("a", begin), told.asset("b", begin), instance=open_instance(tmp_path), tags={UNATTENDED_TAG: "true"}).success
    with open_instance(tmp_path) as instance:
        assert len(instance.get_runs(filters=dg.RunsFilter(tags={"dagster/max_retries": "1"}))) == 1


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(database=str(tmp_path / "w.duckdb"))
    yield opened
    opened.close()


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_each_thread_has_a_connection_of_its_own_to_the_same_rows(warehouse: Warehouse) -> None:
    warehouse.connection().execute("create table mart.t as select 1 as x")
    seen: list[tuple[duckdb.DuckDBPyConnection, Any]] = []
    in_thread(lambda: seen.append((warehouse.connection(), warehouse.connection().execute("select x from mart.t").fetchall()))).join()
    assert seen[0][1] == [(1,)]
    assert seen[0][0] is not warehouse.connection()
    assert warehouse.connection() is warehouse.connection()


def test_who_works_alone_waits_for_the_other_and_lets_nobody_in(warehouse: Warehouse) -> None:
    order: list[str] = []
    other_is_in, other_may_leave, is_alone, third_may_have_tried = (threading.Event() for _ in range(4))

    def other() -> None:
        with warehouse.at_work():
            other_is_in.set()
            other_may_leave.wait(PATIENCE_SECONDS)
            order.append("other leaves")

    def first() -> None:
        other_is_in.wait(PATIENCE_SECONDS)
        with warehouse.at_work():
            assert warehouse.had_company
            with warehouse.alone():
                assert not warehouse.had_company
                is_alone.set()
                third_may_have_tried.wait(PATIENCE_SECONDS)
                order.append("alone")

    def third() -> None:
        is_alone.wait(PATIENCE_SECONDS)
        with warehouse.at_work():
            order.append("third")

    threads = [in_thread(each) for each in (other, first, third)]
    time.sleep(0.1)
    assert not is_alone.is_set()
    other_may_leave.set()
    assert is_alone.wait(PATIENCE_SECONDS)
    time.sleep(0.1)
    third_may_have_tried.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert order == ["other leaves", "alone", "third"]


def test_both_may_want_to_be_alone(warehouse: Warehouse) -> None:
    both_are_in = threading.Barrier(2)
    done: list[int] = []

    def wants_to_be_alone() -> None:
        with warehouse.at_work():
            both_are_in.wait(PATIENCE_SECONDS)
            with warehouse.alone():
                done.append(len(done))

    for thread in [in_thread(wants_to_be_alone), in_thread(wants_to_be_alone)]:
        thread.join(PATIENCE_SECONDS)
    assert done == [0, 1]


def test_the_file_is_closed_for_others_once_nobody_is_at_work(warehouse: Warehouse) -> None:
    warehouse.connection()
    other_is_in, other_may_leave = threading.Event(), threading.Event()

    def other() -> None:
        with warehouse.at_work():
            warehouse.connection()
            other_is_in.set()
            other_may_leave.wait(PATIENCE_SECONDS)
            assert warehouse.connection().execute("select 1").fetchone() == (1,)

    thread = in_thread(other)
    other_is_in.wait(PATIENCE_SECONDS)
    warehouse.close_when_free()
    assert warehouse.is_open
    other_may_leave.set()
    thread.join(PATIENCE_SECONDS)
    assert not warehouse.is_open
    assert warehouse.connection().execute("select 2").fetchone() == (2,)
    warehouse.close_when_free()
    assert not warehouse.is_open


def test_who_waits_to_be_alone_keeps_the_file_open(warehouse: Warehouse) -> None:
    """The other one fails for a cause that passes, and lets go of the file: it is closed once who waits is done as well."""
    both_are_in = threading.Barrier(2)
    rows: list[Any] = []

    def wants_to_be_alone() -> None:
        with warehouse.at_work():
            connection = warehouse.connection()
            both_are_in.wait(PATIENCE_SECONDS)
            with warehouse.alone():
                rows.append(connection.execute("select 1").fetchone())

    def fails() -> None:
        with warehouse.at_work():
            both_are_in.wait(PATIENCE_SECONDS)
            time.sleep(0.2)  # the other one waits by now
        warehouse.close_when_free()

    for thread in [in_thread(wants_to_be_alone), in_thread(fails)]:
        thread.join(PATIENCE_SECONDS)
    assert rows == [(1,)]
    assert not warehouse.is_open


def test_what_does_not_fit_beside_another_one_is_done_alone_and_what_does_not_fit_alone_fails(warehouse: Warehouse) -> None:
    other_is_in, other_may_leave = threading.Event(), threading.Event()
    tries: list[bool] = []

    def other() -> None:
        with warehouse.at_work():
            other_is_in.set()
            other_may_leave.wait(PATIENCE_SECONDS)

    def counted() -> int:
        tries.append(warehouse.had_company)
        other_may_leave.set()
        if warehouse.had_company:
            raise duckdb.OutOfMemoryException("could not allocate block")
        return 7

    def too_large() -> None:
        tries.append(warehouse.had_company)
        raise duckdb.OutOfMemoryException("could not allocate block")

    thread = in_thread(other)
    other_is_in.wait(PATIENCE_SECONDS)
    with warehouse.at_work():
        assert beside_or_alone(warehouse, counted) == 7
        thread.join(PATIENCE_SECONDS)
        with pytest.raises(duckdb.OutOfMemoryException):
            beside_or_alone(warehouse, too_large)
    assert tries == [True, False, False, False]


def test_what_lacks_memory_is_done_once_more_on_one_thread_and_what_follows_on_as_many_as_before(warehouse: Warehouse) -> None:
    threads: list[int] = []

    def made() -> int:
        threads.append(warehouse.connection().execute("select current_setting('threads')").fetchall()[0][0])
        if threads[-1] > 1:
            try:
                raise duckdb.OutOfMemoryException("could not allocate block")
            except duckdb.Error as error:
                raise OpslaError("the new rows do not fit into the memory") from error
        return 7

    with warehouse.at_work():
        warehouse.connection().execute("set threads = 2")
        assert beside_or_alone(warehouse, made) == 7
        assert threads == [2, 1]
        assert warehouse.connection().execute("select current_setting('threads')").fetchall() == [(2,)]
