"""A ticket system's records, loaded through a web server on this machine: 20,040 tickets with their updates and metric events, and the peak
memory of the process that loads; and 20,000 tickets with their histories, from API pages to `mart.sla_attainment`.

The load is a process of its own, so that the operating system tells its peak memory; the server makes its pages as they are asked
for, and holds none of them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import yaml

from benchmarks.desk import REPOSITORY
from benchmarks.measure import Asked, Figure
from benchmarks.scale import watched
from opsla_dagster.errors import OpslaError

_PAGE = 1_000
_BEGIN = datetime(2025, 7, 1)
_EVENTS_PER_TICKET = 3
_METRIC_EVENTS_PER_TICKET = 20
#: Of the time-based export, where nobody asks for more.
_METRIC_PAGE = 100
#: However many records: a load holds a slice of them.
AT_MOST_MB = Asked(at_most=500)
#: A run that judged nothing would be fast.
SOME = Asked(at_least=1, at_any_scale=True)
#: Our own time, since the server answers at once.
AT_MOST_SECONDS = Asked(at_most=60)
_CHILD = """
import sys
from datetime import date
from pathlib import Path
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import ZendeskSettings
from opsla_dagster.sources.zendesk.load import load_zendesk

address, home = sys.argv[1], Path(sys.argv[2])
settings = ZendeskSettings(
    type="zendesk", name="bench", base_url=address, email_variable="BENCH_EMAIL", token_variable="BENCH_TOKEN",
    pseudonym_key_variable="BENCH_KEY",
)
load_zendesk(settings, DeskSettings(timezone="UTC", start_date=date(2025, 7, 1)), Home(home))
"""


_POLICIES = """
metrics:
  first_reply: {title: First reply, start: [INTAKE], stop: [PUBLIC_REPLY]}
  next_reply: {title: Next reply, start: [CUSTOMER_MESSAGE], stop: [PUBLIC_REPLY], cancel: [RESOLVED, CLOSED], repeats: true}
  requester_wait: {title: Requester wait, start: [INTAKE], stop: [RESOLVED], pause: [CUSTOMER_WAIT]}
  agent_work: {title: Agent work, start: [INTAKE], stop: [RESOLVED], pause: [CUSTOMER_WAIT, ON_HOLD, VENDOR_WAIT]}
  first_resolution: {title: First resolution, start: [INTAKE], stop: [RESOLVED]}
policies:
  - name: all
    calendar: desk
    targets: {first_reply: 1h, next_reply: 4h, requester_wait: 16h, agent_work: 8h, first_resolution: 24h}
    reopen: resume
"""


def measure(place: Path, *, quick: bool) -> list[Figure]:
    return [*_measure_load(place / "load", quick=quick), *_measure_road(place / "road", 2_000 if quick else 20_000)]


def _measure_road(place: Path, tickets: int) -> list[Figure]:
    """`opsla run`, a process of its own, on an account of as many tickets."""
    config, home = place / "config", place / "home"
    shutil.copytree(REPOSITORY / "config", config)
    (config / "sla_policies.yml").write_text(_POLICIES, encoding="utf-8")
    (config / "quality_gates.yml").write_text("gates: {}\n", encoding="utf-8")
    with _server(tickets) as address:
        account = {
            "type": "zendesk", "name": "bench", "base_url": address, "email_variable": "BENCH_EMAIL",
            "token_variable": "BENCH_TOKEN", "pseudonym_key_variable": "BENCH_KEY",
        }
        sources = {"desk": {"timezone": "America/New_York", "start_date": "2025-06-30"}, "sources": [account]}
        (config / "sources.yml").write_text(yaml.safe_dump(sources), encoding="utf-8")
        environment = {**_environment(), "OPSLA_HOME": str(home), "OPSLA_CONFIG": str(config)}
        command = [sys.executable, "-m", "opsla_dagster.cli", "run"]
        cost, peak_gb = watched(command, environment, place / "messages.txt")
    with duckdb.connect(str(home / "ops_warehouse.duckdb"), read_only=True) as connection:
        (clocks,) = connection.execute("select count(*) from mart.sla_attainment").fetchall()[0]
    return [
        Figure(f"{tickets} tickets with {_EVENTS_PER_TICKET} updates each, from API pages to attainment", cost.wall, "s"),
        Figure("  clocks judged", float(clocks), "clocks", asked=SOME),
        Figure("  peak memory of the process", peak_gb * 1_000, "MB"),
    ]


def _environment() -> dict[str, str]:
    return {
        **os.environ, "PYTHONPATH": str(REPOSITORY), "BENCH_EMAIL": "bench@example.org", "BENCH_TOKEN": "bench-token",
        "BENCH_KEY": "a key for the bench alone",
    }


def _measure_load(place: Path, *, quick: bool) -> list[Figure]:
    tickets = 2_004 if quick else 20_040
    records = tickets * (1 + _EVENTS_PER_TICKET + _METRIC_EVENTS_PER_TICKET)
    with _server(tickets) as address:
        environment = _environment()
        home = place / "home"
        home.mkdir(parents=True)
        cost, peak_gb = watched([sys.executable, "-c", _CHILD, address, str(home)], environment, place / "messages.txt")
    found = _stored(home / "bronze" / "bench.duckdb")
    if found != records:
        raise OpslaError(f"load_tickets: {records} records were served, {found} are stored")
    size_mb = (home / "bronze" / "bench.duckdb").stat().st_size / 1e6
    return [
        Figure(f"{records} records of a ticket system loaded", cost.wall, "s", asked=AT_MOST_SECONDS),
        Figure("  records a second", records / cost.wall, "records/s"),
        Figure("  processor time", cost.cpu, "s"),
        Figure("  peak memory of the process", peak_gb * 1_000, "MB", asked=AT_MOST_MB),
        Figure("  size of the bronze file", size_mb, "MB"),
    ]


def _stored(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        (row,) = connection.execute(
            "select (select count(*) from bronze.tickets) + (select count(*) from bronze.ticket_events) + (select count(*) from bronze.metric_events)"
        ).fetchall()
    return int(row[0])


@contextmanager
def _server(tickets: int) -> Iterator[str]:
    """Zendesk's two large exports; every list is empty."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            content = json.dumps(_answer(parts.path, query, tickets)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(path: str, query: dict[str, str], tickets: int) -> dict[str, Any]:
    if path.endswith("/tickets/cursor.json"):
        first = int(query.get("cursor", "0"))
        last = min(first + _PAGE, tickets)
        page = [_ticket(number) for number in range(first, last)]
        return {"tickets": page, "after_cursor": str(last), "end_of_stream": last == tickets}
    if path.endswith("/ticket_events.json"):
        total = tickets * _EVENTS_PER_TICKET
        first = max(int(query["start_time"]) - int(_BEGIN.replace(tzinfo=UTC).timestamp()), 0)
        last = min(first + _PAGE, total)
        page = [_audit(number) for number in range(first, last)]
        end = int(_BEGIN.replace(tzinfo=UTC).timestamp()) + last
        return {"ticket_events": page, "end_time": end, "end_of_stream": last == total}
    if path.endswith("/ticket_metric_events.json"):
        total = tickets * _METRIC_EVENTS_PER_TICKET
        first = max(int(query["start_time"]) - int(_BEGIN.replace(tzinfo=UTC).timestamp()), 0)
        last = min(first + int(query.get("per_page", _METRIC_PAGE)), total)
        page = [_metric_event(number) for number in range(first, last)]
        end = int(_BEGIN.replace(tzinfo=UTC).timestamp()) + last
        return {"ticket_metric_events": page, "end_time": end, "end_of_stream": last == total}
    return {"end_of_stream": True}


def _metric_event(number: int) -> dict[str, Any]:
    ticket, place = divmod(number, _METRIC_EVENTS_PER_TICKET)
    metric = ("reply_time", "agent_work_time", "requester_wait_time", "resolution_time")[place % 4]
    kind = ("activate", "apply_sla", "update_status", "pause", "fulfill")[place // 4]
    event: dict[str, Any] = {
        "id": number, "ticket_id": ticket, "metric": metric, "instance_id": 1, "type": kind, "time": _stamp(number),
    }
    if kind == "apply_sla":
        event["sla"] = {"target": 480, "business_hours": True, "policy": {"id": 1, "title": "P3", "description": "d"}}
    if kind == "update_status":
        event["status"] = {"calendar": 60, "business": 60}
    return event


def _stamp(second: int) -> str:
    return f"{_BEGIN + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"


def _ticket(number: int) -> dict[str, Any]:
    """About as large as a real one."""
    second = number * _EVENTS_PER_TICKET
    return {
        "url": f"https://bench.example/api/v2/tickets/{number}.json", "id": number, "external_id": None, "via": {"channel": "email", "source": {
            "from": {"address": f"person{number}@example.org", "name": f"Person {number}"}, "to": {}, "rel": None}},
        "created_at": _stamp(second), "updated_at": _stamp(second), "generated_timestamp": int(_BEGIN.replace(tzinfo=UTC).timestamp()) + second,
        "type": "question", "subject": "A subject of some length " * 2, "raw_subject": "A subject of some length " * 2,
        "description": "What happened, in some words of no great interest. " * 12, "priority": "normal", "status": "open", "recipient": None,
        "requester_id": 1_000_000 + number, "submitter_id": 1_000_000 + number, "assignee_id": 5000 + number % 50, "group_id": 300 + number % 5,
        "organization_id": 700 + number % 900, "collaborator_ids": [], "follower_ids": [], "email_cc_ids": [], "has_incidents": False,
        "is_public": True, "due_at": None, "tags": ["vip", f"t{number % 20}"], "brand_id": 2, "ticket_form_id": 1,
        "custom_fields": [{"id": 360_000 + field, "value": f"value {number % 7}"} for field in range(20)],
        "satisfaction_rating": {"score": "unoffered"}, "allow_channelback": False, "allow_attachments": True,
    }  # fmt: skip


def _audit(number: int) -> dict[str, Any]:
    ticket, place = divmod(number, _EVENTS_PER_TICKET)
    children: list[dict[str, Any]] = [
        {"id": number * 10, "event_type": "Comment", "public": True, "author_id": 5000 + number % 50, "body": "Some words. " * 40},
        {"id": number * 10 + 1, "event_type": "Change" if place else "Create", "status": ("new", "open", "solved")[place]},
        {"id": number * 10 + 2, "event_type": "Notification", "recipients": [1, 2, 3], "subject": "s", "body": "Some words. " * 20},
    ]
    if place:
        children[1]["previous_value"] = ("new", "new", "open")[place]
    return {
        "id": number, "ticket_id": ticket, "created_at": _stamp(number), "timestamp": int(_BEGIN.replace(tzinfo=UTC).timestamp()) + number,
        "updater_id": 5000 + number % 50, "via": "Web form", "system": {"client": "Browser", "ip_address": "192.0.2.1"}, "event_type": "Audit",
        "child_events": children,
    }  # fmt: skip
