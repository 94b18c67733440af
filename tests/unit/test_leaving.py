"""How `opsla` ends as a program: nothing printed is lost, what was to be done at the end is done, and codes are what they were."""

from __future__ import annotations

import subprocess
import sys

import pytest

LINES = 50_000


def ended(what: str, **streams: int) -> subprocess.Popen[str]:
    """A process whose `opsla` is `what`; it says at its end that it came there."""
    program = f"""
import atexit, sys, threading, time
from opsla_dagster.cli import entry

def main():
    {what}

entry.main = main
atexit.register(print, "done at the end")
entry.program()
"""
    return subprocess.Popen([sys.executable, "-c", program], stdout=streams.get("stdout", subprocess.PIPE), stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("what", "code"), [("pass", 0), ("sys.exit(0)", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('no such case')", 1), ("1 / 0", 1)])
def test_codes_are_those_of_python(what: str, code: int) -> None:
    process = ended(what)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == "done at the end\n"
    assert ("no such case" in err) == ("no such" in what)
    assert ("ZeroDivisionError" in err) == ("/ 0" in what)


def test_all_that_was_printed_is_there() -> None:
    process = ended(f"print('a line\\n' * {LINES}, end='')")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == "a line\n" * LINES + "done at the end\n"


def test_what_is_still_at_work_is_waited_for() -> None:
    process = ended("threading.Thread(target=lambda: (time.sleep(0.5), print('worked'))).start()")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == "worked\ndone at the end\n"


def test_a_reader_who_has_gone_is_no_success() -> None:
    process = ended(f"print('a line\\n' * {LINES})")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    process.communicate(timeout=60)
    assert process.returncode != 0
