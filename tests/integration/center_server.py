"""A command centre that really serves, and homes for it.

Belongs here: what the tests of the server, of the browser and of the bench share. Does not belong here: tests.
"""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import uvicorn
from small_desk import desk_settings, july, log_of, make, with_sources, write_config

from opsla_dagster.center.app import create_app
from opsla_dagster.center.guard import access
from opsla_dagster.settings import Settings
from opsla_dagster.settings.staffing import StaffingSettings, Touch

#: Two weeks of the simulated desk as known on the night after them: cases are open.
KNOWN_AT = datetime(2025, 7, 15, 6)
#: What a source may write where an id or a name stands.
NASTY_ID = "<script>alert('x')</script>&\"../../etc/passwd"
FORMULA_ID = "=HYPERLINK(\"http://x\",\"y\")"


def simulated_home(directory: Path, cases: int = 1200) -> Settings:
    """A home with two weeks of cases, published. Its staffing.yml has a touch time: two weeks tell none by which heads could be planned."""
    settings = replace(desk_settings(directory, cases=cases, gates=False), staffing=StaffingSettings(touch=Touch(minutes=12)))
    make(settings, [july(1, 14)], KNOWN_AT)
    return settings


def log_home(directory: Path) -> Settings:
    """A home with a log of a few cases: no queues, no priorities, ids as a source should not write them, and T-3 done in a year that is mistyped."""
    path = directory / "log.csv"
    directory.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["number", "state", "at"])
        for number, case_id in enumerate(["T-3", NASTY_ID, FORMULA_ID, "T-1", "T-2"]):
            rows.writerow([case_id, "New", f"2025-07-0{1 + number}T14:00:00"])
            rows.writerow([case_id, "Seen", f"2025-07-0{1 + number}T18:30:00"])
            if case_id != "T-3":
                rows.writerow([case_id, "Done", f"2025-07-0{2 + number}T15:00:00"])
        rows.writerow(["T-3", "Done", "2205-07-06T15:00:00"])
        rows.writerow(["T-4", "New", "yesterday"])
    settings = desk_settings(directory, cases=1, config=write_config(directory / "config"), gates=False)
    settings = with_sources(settings, log_of(path, case_link="https://tickets.example.com/?id={case_id}"))
    make(settings, [july(1, 8)], datetime(2025, 7, 9, 6))
    return settings


@contextmanager
def serving(settings: Settings, *, token: str = "", hosts: Sequence[str] = (), listening: str = "127.0.0.1", root: str = "") -> Iterator[str]:
    """A centre of the home on a free port of this machine; gives its address. Settings of tests are not on disk, so they are kept as they are."""
    app = create_app(settings, access(listening, hosts, token), root, reads_settings_anew=False)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
