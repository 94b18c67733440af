"""Running `opsla` as a person does: another process, a home of its own.

Belongs here: what the integration tests share to do so. Does not belong here: any test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


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
