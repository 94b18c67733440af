"""Two steps at a time, in one process (docs/decisions/0050-two-tables-at-a-time.md).

Dagster's executors make one step after another, or each in a process of its own, and DuckDB takes one writing process. Here a second thread
takes a step whenever another one is ready: while one table's rows are computed, the other one's are told to Dagster. Belongs here: who takes which
step, and how both end. Does not belong here: what a step does, and what two of them may do to the warehouse at once (warehouse/connection.py).
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext, StepExecutionContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import (
    _handle_compute_log_setup_error,
    _handle_compute_log_teardown_error,
    dagster_event_sequence_for_step,
)
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.base import Executor
from dagster._core.executor.init import InitExecutorContext
from dagster._utils.interrupts import pop_captured_interrupt, raise_interrupts_as

#: The resource that is let go of while nothing is at work, and whose statements are interrupted where the run ends before its steps do.
_WAREHOUSE = "warehouse"
_ASKED_AGAIN_SECONDS = 0.05
#: Op tag: a run with such a step makes one after another.
ONE_AT_A_TIME_TAG = "opsla/one_at_a_time"
#: Op tag: such steps, and those that they depend on, are begun before the others.
FIRST_TAG = "opsla/first"


class TwoAtATime(Executor):
    """Steps of a run in this process: at most two, of which neither waits for the other."""

    @property
    def retries(self) -> RetryMode:
        return RetryMode.ENABLED

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        in_process = EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute)
        yield DagsterEvent.engine_event(plan_context, f"Executing steps in process (pid: {os.getpid()}), two at a time", in_process)
        yield from ExecuteRunWithPlanIterable(
            execution_plan=plan_context.execution_plan,
            iterator=_events_of_steps,
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=plan_context.retry_mode,
                execution_plan=plan_context.execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )
        yield DagsterEvent.engine_event(plan_context, f"Finished steps in process (pid: {os.getpid()})", in_process)


@dg.executor(name="two_at_a_time", config_schema={})
def two_at_a_time(_context: InitExecutorContext) -> TwoAtATime:
    """The executor of every job here."""
    return TwoAtATime()


def _events_of_steps(job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
    with InstanceConcurrencyContext(job_context.instance, job_context.dagster_run) as slots:
        started = execution_plan.start(
            retry_mode=job_context.retry_mode,
            instance_concurrency_context=slots,
            step_dependency_config=job_context.step_dependency_config,
            sort_key_fn=_order(execution_plan),
        )
        with started as active, ExitStack() as capturing:
            logs = job_context.instance.compute_log_manager
            log_key = logs.build_log_key_for_run(job_context.run_id, create_compute_log_file_key())  # type: ignore[no-untyped-call]
            try:
                captured = capturing.enter_context(logs.capture_logs(log_key))
                yield DagsterEvent.capture_logs(job_context, execution_plan.step_keys_to_execute, log_key, captured)
            except Exception:
                yield from _handle_compute_log_setup_error(job_context, sys.exc_info())
            may_be_two = not any(ONE_AT_A_TIME_TAG in step.tags for step in execution_plan.get_steps_to_execute_in_topo_order())
            yield from _Steps(job_context, active, may_be_two).events()
            try:
                capturing.close()
            except Exception:
                yield from _handle_compute_log_teardown_error(job_context, sys.exc_info())


def _order(execution_plan: ExecutionPlan) -> Callable[[ExecutionStep], float]:
    """Of the steps that are ready, those with FIRST_TAG and those that lead to them come first; of these, and of the others, the one after which the
    most others come one after another: the run ends with short ways."""
    depends_on = execution_plan.get_executable_step_deps()
    first = _with_all_before((step.key for step in execution_plan.get_steps_to_execute_in_topo_order() if FIRST_TAG in step.tags), depends_on)
    followers: dict[str, set[str]] = {}
    for key, before in depends_on.items():
        for each in before:
            followers.setdefault(each, set()).add(key)

    @cache
    def way(key: str) -> int:
        return 1 + max((way(each) for each in followers.get(key, ())), default=0)

    return lambda step: -way(step.key) - (len(depends_on) if step.key in first else 0)


def _with_all_before(keys: Iterable[str], depends_on: Mapping[str, set[str]]) -> set[str]:
    """The steps, and all that they depend on, directly or not."""
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        if (key := waiting.pop()) not in found:
            found.add(key)
            waiting += depends_on[key]
    return found


class _Steps:
    """The steps of a run as two threads take them: that of the run, and one beside it.

    The run's thread takes what is ready first: it is the one that a Ctrl-C reaches, and where steps follow each other it makes all of them.
    """

    def __init__(self, job_context: PlanExecutionContext, active: ActiveExecution, may_be_two: bool) -> None:
        self._may_be_two = may_be_two
        self._job_context = job_context
        self._active = active
        #: Guards everything below, and `active`; notified of whatever may make a step ready.
        self._changed = threading.Condition()
        self._in_flight: dict[str, StepExecutionContext] = {}
        #: That of the run, once a step has it.
        self._warehouse: Any = None
        self._run_thread = threading.get_ident()
        self._is_run_thread_busy = False
        self._is_stopped = False
        self._failed_beside: BaseException | None = None
        self._events: list[DagsterEvent] = []

    def events(self) -> Iterator[DagsterEvent]:
        """What all steps tell, in the order in which it is told; raises what ends the run, once no step is at work any more."""
        beside = threading.Thread(target=contextvars.copy_context().run, args=(self._work_beside,), name="steps beside", daemon=True)
        if self._may_be_two:
            beside.start()
        try:
            while (step := self._taken_by_run_thread()) is not None:
                for _ in self._carried_out(step):
                    yield from self._told()
        except GeneratorExit:
            self._end(beside)
            raise
        except BaseException:
            self._end(beside)
            yield from self._told()
            raise
        self._end(beside)
        yield from self._told()
        if self._failed_beside is not None:
            raise self._failed_beside

    def _told(self) -> Iterator[DagsterEvent]:
        with self._changed:
            events, self._events = self._events, []
        yield from events

    def _work_beside(self) -> None:
        try:
            while (step := self._taken_beside()) is not None:
                for _ in self._carried_out(step):
                    pass
        except BaseException as error:  # raised in the run's thread
            with self._changed:
                self._failed_beside = error
                self._is_stopped = True
                self._changed.notify_all()

    def _carried_out(self, step: StepExecutionContext) -> Iterator[None]:
        """Carries the step out; yields after each event."""
        key = step.step.key
        for event in dagster_event_sequence_for_step(step):
            with self._changed:
                self._active.handle_event(event)
                self._events.append(event)
                if event.is_step_up_for_retry:  # from here on somebody may take it again
                    del self._in_flight[key]
            yield
        with self._changed:
            if threading.get_ident() == self._run_thread:
                self._is_run_thread_busy = False  # what is ready now is its own to take first
            if self._in_flight.get(key) is step:
                del self._in_flight[key]
                self._active.verify_complete(self._job_context, key)
            self._events += self._active.plan_events_iterator(self._job_context)
            self._changed.notify_all()
        yield

    def _taken_by_run_thread(self) -> StepExecutionContext | None:
        """The next step; None once there is none, or none is to be begun any more."""
        with raise_interrupts_as(DagsterExecutionInterruptedError), self._changed:
            while not self._is_over():
                if (step := self._ready()) is not None:
                    self._is_run_thread_busy = True
                    self._changed.notify_all()
                    return step
                until_tried_again = self._active.sleep_interval()  # type: ignore[no-untyped-call]
                if not self._in_flight and self._warehouse is not None:
                    self._warehouse.close_when_free()  # others may have the file until a step is tried again
                self._changed.wait(until_tried_again or (None if self._in_flight else _ASKED_AGAIN_SECONDS))
        return None

    def _taken_beside(self) -> StepExecutionContext | None:
        with self._changed:
            while not self._is_over():
                if self._is_run_thread_busy and (step := self._ready()) is not None:
                    return step
                until_tried_again = self._active.sleep_interval()  # type: ignore[no-untyped-call]
                self._changed.wait(max(until_tried_again, _ASKED_AGAIN_SECONDS) if until_tried_again else None)
        return None

    def _is_over(self) -> bool:
        return self._is_stopped or self._active.is_complete

    def _ready(self) -> StepExecutionContext | None:
        steps = self._active.get_steps_to_execute(limit=1)
        self._events += self._active.concurrency_event_iterator(self._job_context)
        if not steps:
            return None
        context = self._job_context.for_step(steps[0], self._active.get_known_state())
        self._in_flight[context.step.key] = context
        if _WAREHOUSE in context.required_resource_keys:
            self._warehouse = getattr(context.resources, _WAREHOUSE)
        return context

    def _end(self, beside: threading.Thread) -> None:
        """Waits for the other thread; where a step is still at work, the run is being stopped, and what it asks of DuckDB is interrupted.

        What it computes in Python it ends first, seconds as a rule; who presses Ctrl-C once more does not wait for it. Its rows are not written.
        """
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        while beside.is_alive() and not pop_captured_interrupt():
            beside.join(_ASKED_AGAIN_SECONDS)
            if self._in_flight and self._warehouse is not None and beside.is_alive():
                self._warehouse.interrupt()
