"""`python -m benchmarks [--quick] [NAME]...`, which `make bench` calls, from the top of a clone.

Belongs here: what a person types. Does not belong here: choosing and running (run.py).
"""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.run import run_benches
from opsla_dagster.cli import console, err_console
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home


def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these benches; default: all.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="At a small scale, to see that it works; not judged.")] = False,
) -> None:
    """The figures of speed and memory, each beside something it is measured against (takes a while)."""
    try:
        console.print(f"Figures: {run_benches(names or [], Home.of(), console, quick=quick)}", highlight=False, soft_wrap=True)
    except OpslaError as error:
        err_console.print(f"benchmarks: {error}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    typer.run(main)
