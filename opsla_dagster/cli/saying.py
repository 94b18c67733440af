"""What a person reads, and on which stream; how this program was called.

Belongs here: one line, in whatever form. Does not belong here: any command.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from opsla_dagster.terminal import PlainConsole, printing

_STREAMS = ("stdin", "stdout", "stderr")


def _open_what_was_closed() -> None:
    """Nowhere in the place of each stream that was closed before the command began (`>&-`): the next file to be opened, the warehouse say, would get its number, and what is printed."""
    while (number := os.open(os.devnull, os.O_RDWR)) < len(_STREAMS):
        os.set_inheritable(number, True)
        setattr(sys, _STREAMS[number], os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    os.close(number)


_open_what_was_closed()

#: Without a terminal (a pipe, a file) there is no width to fit into.
console = PlainConsole(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140)
err_console = PlainConsole(stderr=True)


def say(text: str, to: Console = console) -> None:
    """One line as it is: nothing in it is markup, and a path is not broken in two."""
    to.print(text, markup=False, highlight=False, soft_wrap=True)


def echo(text: str) -> None:
    """A text for programs, to the letter."""
    with printing():
        typer.echo(text)


def complain(text: str, what: str = "opsla", style: str = "bold red") -> None:
    """One line of what is wrong, on stderr; `what` names who complains."""
    err_console.print(Text.assemble((f"{what}:", style), f" {text}"), soft_wrap=True)


def as_called() -> str:
    """How this opsla was called, with the home and the configuration it was told: to paste into a shell, whatever is in their paths."""
    told = [f"{name}={shlex.quote(os.environ[name])}" for name in ("OPSLA_HOME", "OPSLA_CONFIG") if name in os.environ]
    called = Path(sys.argv[0])
    is_elsewhere = called.name == "opsla" and shutil.which("opsla") != str(called.absolute())
    return " ".join([*told, shlex.quote(os.path.relpath(called)) if is_elsewhere else "opsla"])


def as_typed() -> str:
    """The command line as it was typed."""
    return shlex.join(["opsla", *sys.argv[1:]])
