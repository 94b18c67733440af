"""How `opsla` ends as a program: nothing printed is lost, what was to be done at the end is done, and codes are what they were."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize(("what", "code"), [("pass", 0), ("sys.exit(0)", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('no such case')", 1), ("1 / 0", 1), ("sys.stderr.close()", 0)])
def test_codes_are_those_of_python(what: str, code: int) -> None:
    """Also where nobody can be told of errors any more."""
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


def test_what_is_at_work_goes_on_without_its_reader(tmp_path: Path) -> None:
    """`opsla run | head -1`: the run has its reports and alerts to come, and what was printed in between is no reason to leave them out."""
    program = f"""
from pathlib import Path
import typer
from opsla_dagster.cli import entry
from opsla_dagster.cli.saying import console

app = entry.app = typer.Typer()

@app.command()
def work() -> None:
    console.print("a line\\n" * {LINES})
    console.print("another line")
    Path({str(tmp_path / "made")!r}).touch()

entry.program()
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "a line\n"
    process.stdout.close()
    process.stdout = None
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 1
    assert (tmp_path / "made").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
@pytest.mark.parametrize(("command", "does_its_work"), [("run", True), ("tell", False), ("--help", False), ("run --help", False)])
def test_a_full_standard_output_is_no_trouble_of_the_home(tmp_path: Path, command: str, does_its_work: bool) -> None:
    """`opsla run > /dev/full`: a run goes on to its end, and no alert says that the home's disk is full."""
    program = f"""
from pathlib import Path
import typer
from opsla_dagster.cli import entry
from opsla_dagster.cli.saying import console, echo
from opsla_dagster.command_help import Command, Group

app = entry.app = typer.Typer(cls=Group)

@app.command(cls=Command)
def run() -> None:
    console.print("a line\\n" * {LINES})
    console.print("another line")
    Path({str(tmp_path / "made")!r}).touch()

@app.command()
def tell() -> None:
    echo("a text")

entry.program()
"""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = subprocess.run(
            [sys.executable, "-c", program, *command.split()], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
            env={**os.environ, "OPSLA_HOME": str(tmp_path / "home")},
        )  # fmt: skip
    assert process.stderr == "opsla: standard output cannot be written: No space left on device\n"
    assert process.returncode == 1
    assert (tmp_path / "made").exists() == does_its_work
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_stream_that_was_closed(tmp_path: Path, closed: str) -> None:
    """What is printed, here and by a process that this one starts, would be written into it."""
    program = f"""
import os, subprocess, sys
from opsla_dagster.cli import entry
from opsla_dagster.cli.saying import console, err_console

def main():
    with open({str(tmp_path / "file")!r}, "w") as file:
        file.write("a row")
        file.flush()
        console.print("a line")
        err_console.print("a complaint")
        subprocess.run(["sh", "-c", "echo a line; echo a complaint >&2"], check=True)

entry.main = main
entry.program()
"""
    process = subprocess.run(["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, program], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0
    assert process.stdout == ("" if " >&-" in f" {closed}" else "a line\n" * 2)
    assert process.stderr == ("" if "2>&-" in closed else "a complaint\n" * 2)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "a row"
