"""Ctrl-C that cannot get lost.

Python raises KeyboardInterrupt wherever it happens to be: within a finaliser or a callback of the garbage collector it is printed and
dropped, and libraries turn it into errors of their own. So the system itself notes each signal in a pipe, and whoever is at a safe place
asks for it. Belongs here: noting and asking. Does not belong here: what a person is told (cli/entry.py).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_seen = False
_noted: int | None = None
_BYTES = 4_096


@contextmanager
def noting_interrupts() -> Iterator[None]:
    """Notes every Ctrl-C meanwhile; what Python could not deliver is not printed. In the main thread."""
    global _seen, _noted
    _noted, write = os.pipe()
    for end in (_noted, write):
        os.set_blocking(end, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    printed_before = sys.unraisablehook
    sys.unraisablehook = lambda lost: None if was_interrupted() and _is_interrupt(lost.exc_value) else printed_before(lost)
    try:
        yield
    finally:
        sys.unraisablehook = printed_before
        signal.set_wakeup_fd(before)
        os.close(write)
        os.close(_noted)
        _noted, _seen = None, False


def was_interrupted() -> bool:
    """Whether Ctrl-C came since `noting_interrupts` began, delivered or not; always False without it."""
    global _seen
    if _noted is not None and not _seen:
        with suppress(BlockingIOError):
            _seen = signal.SIGINT in os.read(_noted, _BYTES)
    return _seen


def deliver_interrupt() -> None:
    """At a safe place: interrupts again where that was tried before and got lost.

    Not from a thread beside the main one: that goes on while the main one ends the run, and would be taken for a second Ctrl-C.
    """
    if threading.current_thread() is threading.main_thread() and was_interrupted():
        signal.raise_signal(signal.SIGINT)


def _is_interrupt(error: BaseException | None) -> bool:
    from dagster._core.errors import DagsterExecutionInterruptedError

    return isinstance(error, KeyboardInterrupt | DagsterExecutionInterruptedError)
