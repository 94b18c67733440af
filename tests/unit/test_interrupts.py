"""Ctrl-C where Python drops it, or a library makes an error of it: it ends the command all the same."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import typer

sys.path.insert(0, str(Path(__file__).parent))
from reporting_marts import SETTINGS

from opsla_dagster import cli
from opsla_dagster.cli import carrying_out, entry
from opsla_dagster.errors import OpslaError
from opsla_dagster.interrupts import deliver_interrupt, noting_interrupts, was_interrupted
from opsla_dagster.progress import table_progress
from opsla_dagster.reporting import headline

MESSAGE = "opsla: interrupted; no table is half-written, and the unfinished ones are as they were before\n"


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def press_while_garbage_is_collected() -> None:
    """What Python raises in such a callback it prints, and drops."""

    def callback(phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            press()

    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)


def as_an_error(error: Exception) -> Callable[[], None]:
    def pressed() -> None:
        try:
            press()
        except KeyboardInterrupt:
            raise error from None

    return pressed


def ends(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None]) -> object:
    """The exit code of an `opsla` that has `command` as its only one."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    monkeypatch.setattr(entry, "app", app)
    monkeypatch.setattr(sys, "argv", ["opsla"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def lost_then_delivered() -> None:
    press_while_garbage_is_collected()
    with table_progress(cli.console, 2) as advance:
        advance("raw.cases", 1)
    pytest.fail("the run went on")


@pytest.mark.parametrize(
    "command",
    [press, lost_then_delivered, as_an_error(RuntimeError("Query interrupted")), as_an_error(OpslaError("raw.cases: the step failed"))],
    ids=["delivered", "lost in a callback", "an error of a library", "an error of ours"],
)
def test_ctrl_c_ends_with_130_and_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: Callable[[], None]) -> None:
    assert ends(monkeypatch, command) == 130
    assert capfd.readouterr().err == MESSAGE


def test_what_went_through_before_it_was_noticed_has_gone_through(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert ends(monkeypatch, press_while_garbage_is_collected) == 0
    assert capfd.readouterr().err == ""


def test_other_errors_are_told_as_before(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def refused() -> None:
        raise OpslaError("log.csv: there is no such file")

    assert ends(monkeypatch, refused) == 1
    assert capfd.readouterr().err == "opsla: log.csv: there is no such file\n"


def test_an_interrupt_is_of_the_command_in_which_it_came() -> None:
    with noting_interrupts(), pytest.raises(KeyboardInterrupt):
        press()
    with noting_interrupts():
        assert not was_interrupted()
        deliver_interrupt()
        press_while_garbage_is_collected()
        assert was_interrupted()
    assert not was_interrupted()
    deliver_interrupt()
    assert signal.set_wakeup_fd(-1) == -1


def test_an_interrupt_while_the_answer_is_asked_for_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        as_an_error(RuntimeError("Query interrupted"))()

    monkeypatch.setattr(headline, "promises_kept", pressed)
    with noting_interrupts(), pytest.raises(KeyboardInterrupt), duckdb.connect() as connection:
        carrying_out._Answer(SETTINGS)(connection)
