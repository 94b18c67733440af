"""The entry point: one readable message instead of a stack trace.

Belongs here: what becomes of an error, and who is told of it. Does not belong here: any command.
"""

import atexit
import os
import sys
import threading
import traceback
from contextlib import suppress
from typing import NoReturn

from opsla_dagster.cli.commands import app
from opsla_dagster.cli.saying import as_called, as_typed, complain, console, err_console
from opsla_dagster.errors import OpslaError, RunFailedError
from opsla_dagster.interrupts import noting_interrupts, was_interrupted
from opsla_dagster.terminal import unprintable

#: Exit code of what Ctrl-C ended, as shells have it.
_INTERRUPTED = 130
#: Exit code of a command line that Typer does not understand.
_NOT_UNDERSTOOD = 2
#: What cron or a service manager starts.
_UNATTENDED = ("refresh", "run", "dev", "daemon")


def program() -> None:
    """`opsla` as a program of its own: `main`, and an end that does not take apart, object by object, what was imported: that takes up to a second."""
    try:
        main()
    except SystemExit as ended:
        if ended.code is not None and not isinstance(ended.code, int):
            raise
        _leave(ended.code or 0)
        raise
    _leave(0)


def _leave(code: int) -> None:
    """Ends the process as Python would; returns where Python itself has to: something is still at work, or nobody reads what is left to print."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def main() -> None:
    """Entry point: one readable message instead of a stack trace."""
    with noting_interrupts():
        try:
            _main()
        except BaseException as ended:
            code = ended.code if isinstance(ended, SystemExit) else None
            if code == 0 or not (was_interrupted() or code == _INTERRUPTED):  # what went through has gone through
                raise
            complain("interrupted; no table is half-written, and the unfinished ones are as they were before")
            raise SystemExit(_INTERRUPTED) from None
        finally:
            if console.trouble is not None:
                complain(str(unprintable(console.trouble)))


def _main() -> None:
    try:
        app()
    except OpslaError as error:
        if was_interrupted():
            raise
        _tell_who_is_not_here(str(error), error)
        _refuse(error)
    except SystemExit as ended:
        if ended.code == _NOT_UNDERSTOOD:
            _tell_who_is_not_here(f"the command line was not understood{_complaint_of(ended)}")
        if not ended.code and console.has_lost_reader:
            raise SystemExit(1) from None
        raise
    except Exception as error:
        if was_interrupted():
            raise
        from opsla_dagster.running import disk_trouble
        from opsla_dagster.settings.home import Home

        trouble = disk_trouble(error, Home.of().root)
        _tell_who_is_not_here(str(trouble or f"unexpected {type(error).__name__}: {error}"))
        if trouble is None:  # Python's own way of printing it, and what it quotes of a source made visible
            err_console.print(traceback.format_exc(), markup=False, highlight=False, soft_wrap=True)
            raise SystemExit(1) from None
        _refuse(trouble)


def _tell_who_is_not_here(cause: str, error: Exception | None = None) -> None:
    """Alerts that a command of an unattended desk ended for `cause`, unless somebody reads it on a terminal or a run's alert says so."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in _UNATTENDED or isinstance(error, RunFailedError):
        return
    from opsla_dagster.automation.unattended import note_command, tell_of_command

    if sys.stderr.isatty():
        if isinstance(error, OpslaError):  # who mistypes the command knows
            note_command(as_typed(), name, cause)
        return
    for problem in tell_of_command(as_typed(), name, cause):
        complain(problem, "alert not delivered yet", "yellow")


def _complaint_of(ended: SystemExit) -> str:
    """`: No such option: --wiat`: what Typer printed, of whose exception the exit is."""
    told = getattr(ended.__context__, "format_message", None)
    return f": {told()}" if callable(told) else ""


def _refuse(error: OpslaError) -> NoReturn:
    """The message; the commands that it advises are of the home and the configuration that this one was of."""
    complain(str(error).replace("`opsla ", f"`{as_called()} "))
    raise SystemExit(1) from None
