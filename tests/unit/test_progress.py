"""The bar of a run moves on a terminal, whatever becomes of stdout meanwhile."""

from __future__ import annotations

import os
import pty
import select
import time
from pathlib import Path

from rich.console import Console

from opsla_dagster.progress import table_progress

PATIENCE_SECONDS = 5.0


def seen(terminal: int, words: bytes) -> bool:
    """Whether the terminal comes to show them."""
    shown, until = b"", time.monotonic() + PATIENCE_SECONDS
    while words not in shown and time.monotonic() < until:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 65_536)
    return words in shown


def test_a_bar_moves_while_a_run_logs_what_is_printed() -> None:
    terminal, stdout = pty.openpty()
    with os.fdopen(stdout, "w", encoding="utf-8") as file, Path(os.devnull).open("w", encoding="utf-8") as log:
        console = Console(file=file, width=100)
        with table_progress(console, 2) as advance:
            os.dup2(log.fileno(), file.fileno())
            advance("mart.sla_daily", 7)
            assert seen(terminal, b"mart.sla_daily (7 rows)")
            console.print("which promises were kept")
            assert seen(terminal, b"which promises were kept")
        assert console.file is file
    os.close(terminal)
