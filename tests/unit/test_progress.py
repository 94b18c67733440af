"""The bar of a run moves on a terminal, whatever becomes of stdout meanwhile."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from pathlib import Path

import pytest
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


@pytest.mark.parametrize(("width", "has_bar"), [(40, False), (60, False), (80, True), (140, True)])
def test_figures_of_a_bar_are_whole_on_every_terminal(width: int, has_bar: bool) -> None:
    terminal, stdout = pty.openpty()
    with os.fdopen(stdout, "w", encoding="utf-8") as file:
        with table_progress(Console(file=file, width=width), 131) as advance:
            advance("mart.driver_congestion_buckets", 1_234_567)
            time.sleep(0.6)
        shown = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert "…" not in shown
    assert "1/131" in shown
    assert re.search(r"0:00:0\d", shown)
    assert "(1,234,567" in shown
    assert ("━" in shown) == has_bar
