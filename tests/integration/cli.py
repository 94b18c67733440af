"""Running `opsla` as a person does: another process or this one, a home of its own.

Belongs here: what the integration tests share to do so. Does not belong here: any test.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from opsla_dagster import cli

REPOSITORY = Path(__file__).resolve().parents[2]


class Said(NamedTuple):
    """What a command ended with, printed, and complained about."""

    code: int
    out: str
    err: str


def environment(home: Path, config: Path | None = None, **variables: str) -> dict[str, str]:
    """The environment of a process that works on `home`; without `config` the shipped configuration."""
    return {
        **os.environ,
        "OPSLA_HOME": str(home),
        "OPSLA_CONFIG": str(config or REPOSITORY / "config"),
        "PYTHONPATH": str(REPOSITORY),
        "COLUMNS": "160",
        **variables,
    }


def opsla(
    *arguments: str, home: Path, config: Path | None = None, timeout_seconds: float = 600, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`opsla <arguments>`, finished."""
    return subprocess.run(
        [sys.executable, "-m", "opsla_dagster.cli", *arguments],
        env=environment(home, config, **variables),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )


class _Stream(io.StringIO):
    """What is printed; `is_watched`: a terminal, as far as anybody can tell."""

    is_watched = False

    def isatty(self) -> bool:
        return self.is_watched


def opsla_here(*arguments: str, monkeypatch: pytest.MonkeyPatch, is_watched: bool = False) -> Said:
    """`opsla <arguments>` in this process and its environment, for tests in which the process is not the point; `is_watched`: somebody sees its errors on a terminal."""
    monkeypatch.setattr(sys, "argv", ["opsla", *arguments])
    for name in ("OPSLA_HOME", "OPSLA_CONFIG"):
        # `opsla init` goes on in the home that it has made: whatever the variables become, `monkeypatch` puts them back.
        is_set, value = name in os.environ, os.environ.get(name, "")
        monkeypatch.setenv(name, value)
        if not is_set:
            monkeypatch.delenv(name)
    code = 0
    with redirect_stdout(_Stream()) as out, redirect_stderr(_Stream()) as err:
        err.is_watched = is_watched
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Said(code, out.getvalue(), err.getvalue())
