"""Loading a Zendesk account into its bronze file.

Belongs here: which endpoints are asked, in which order, and how each goes on where it stopped. Does not belong here: what records mean.

Tickets come first, then their history, then metric events: what is known of a ticket is never younger than what is known to have happened to it. Three
incremental exports carry the account (10 requests a minute, 1,000 records each); reasons in docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import ZendeskSettings
from opsla_dagster.sources.bronze.drift import bronze_file
from opsla_dagster.sources.bronze.files import loading_alone
from opsla_dagster.sources.bronze.http import Answer, Api, HttpError
from opsla_dagster.sources.bronze.landing import Landing, Row
from opsla_dagster.sources.bronze.loading import Load, latest, records_of, row_of
from opsla_dagster.sources.bronze.names import keep_names
from opsla_dagster.sources.bronze.privacy import Pseudonyms, secret_of
from opsla_dagster.sources.bronze.progress import Progress
from opsla_dagster.sources.bronze.report import LoadReport
from opsla_dagster.sources.bronze.shape import Shape, Shaper
from opsla_dagster.sources.bronze.stamps import day_before, from_epoch, from_iso, to_epoch
from opsla_dagster.sources.zendesk.records import (
    AGENT,
    CUSTOM_STATUS,
    METRIC_EVENT,
    METRIC_EVENT_TYPES,
    METRIC_SET,
    METRICS,
    NAMED,
    RESOURCES,
    SCHEDULE,
    SLA_POLICY,
    TICKET_FORM,
    audit_record,
    organization_shape,
    ticket_shape,
)
from opsla_dagster.sources.zendesk.schedules import as_known_now

#: The exports hold the last minute back.
_EXPORT_LAG = timedelta(minutes=2)
#: What is asked again behind a cursor that is not known any more.
_OVERLAP = timedelta(hours=1)
#: By time, a page of this export holds as much as those of the others, if asked to; a breach that was taken back comes again, as deleted.
_METRIC_EVENTS = {"per_page": "1000", "include_changes": "true"}
_GONE = frozenset({400, 404, 410, 422})
_PAGE = 100
_MOST_PAGES = 100_000
#: What agents' names contain that are bots, unless sources.yml names them.
_BOT = re.compile(r"(?<![^\W_])(chat|answer)?bots?(?![^\W_])", re.IGNORECASE)

_MakeRow = Callable[[Mapping[str, Any]], Row]


def load_zendesk(settings: ZendeskSettings, desk: DeskSettings, home: Home) -> LoadReport:
    """Loads what is new since the last load, slice by slice; what was stored stays stored, whatever happens next.

    Raises OpslaError: without credentials or key nothing is asked; when the API fails, the slices before it are kept.
    """
    pseudonyms = Pseudonyms(settings.name, settings.pseudonym_key_variable)
    path = bronze_file(home, settings.name)
    identity = {"system": "zendesk", "account": settings.subdomain or settings.address, "pseudonym key": pseudonyms.check}
    api = zendesk_api(settings)
    with loading_alone(settings.name, path), closing(api):
        landing = Landing(settings.name, path, identity)
        load = Load(api, landing, Shaper(pseudonyms, keep_text=settings.keep_text), LoadReport(settings.name))
        with load.keeping_what_was_fetched():
            account = _Zendesk(settings, load, to_epoch(day_before(settings.backfill_start(desk.start_date))))
            account.run()
        if settings.keep_names:
            keep_names(home, settings.name, account.names)
    return load.report


def zendesk_api(settings: ZendeskSettings) -> Api:
    """The account's API, with the credentials of the environment. Raises OpslaError where there are none."""
    email = secret_of(settings.name, settings.email_variable)
    token = secret_of(settings.name, settings.token_variable)
    return Api(
        settings.name, settings.address, login=(f"{email}/token", token), secrets=(token, email),
        hint=f"look at {settings.email_variable} and {settings.token_variable}, and at what their user may see",
    )


def ask_for_a_ticket(api: Api) -> None:
    """The cheapest request that needs all that a load needs: one record of the export, which is for admins."""
    api.get("/api/v2/incremental/tickets/cursor.json", {"start_time": to_epoch(day_before(datetime.now(UTC).date())), "per_page": 1})


def schedules_of(api: Api) -> Iterator[dict[str, Any]]:
    """The account's schedules, each with its holidays and its place in the list. Raises HttpError where the plan has none."""
    answer = api.get("/api/v2/business_hours/schedules.json")
    for position, raw in enumerate(records_of(answer.content, "schedules")):
        holidays = api.get(f"/api/v2/business_hours/schedules/{int(raw['id'])}/holidays.json").content
        yield {**raw, "holidays": records_of(holidays, "holidays"), "list_position": position}


class _Zendesk:
    """One load."""

    def __init__(self, settings: ZendeskSettings, load: Load, start: int) -> None:
        self._settings, self._load, self._start = settings, load, start
        self._progress = load.landing.progress()
        #: Table -> ids of its last page: one that brings the same again does not advance.
        self._last_page: dict[str, set[str]] = {}
        #: Resource -> from when on this load asks for it.
        self._since: dict[str, datetime | None] = {}
        load.report.is_first = not self._step("tickets").is_complete
        #: Pseudonym -> name of the agents; kept on this machine only, and only where asked for.
        self.names: dict[str, str] = {}
        self._ticket_shape = ticket_shape(settings.custom_fields)
        self._organization_shape = organization_shape(settings.organization_fields)
        #: None where the account does not offer them.
        self._custom_statuses: set[str] | None = None
        self._asked_at = datetime.now(UTC).replace(tzinfo=None)

    def run(self) -> None:
        for resource in RESOURCES:
            self._load.figures(resource)
        self._reference()
        self._tickets()
        self._timed_export("ticket_events", "/api/v2/incremental/ticket_events.json", {"include": "comment_events"}, self._audit)
        with self._load.optional("metric_events"):
            self._timed_export("metric_events", "/api/v2/incremental/ticket_metric_events.json", _METRIC_EVENTS, self._metric_event)
        if self._load.figures("metric_events").left_out:  # then nobody waits for them, and what is known does not end with them
            self._store({}, Progress("metric_events", self._step("metric_events").cursor, None, True), self._asked_at)
        self._load.finish(self._asked_at)

    # ---- small lists, each as a whole ----------------------------------------------------------------------------------

    def _reference(self) -> None:
        """All of them are one package."""
        tables: dict[str, list[Row]] = {}
        tables["agents"] = self._list("agents", "/api/v2/users.json", "users", AGENT, {"role[]": ["agent", "admin"]}, self._with_bots_told)
        tables["groups"] = self._list("groups", "/api/v2/groups.json", "groups", NAMED)
        with self._load.optional("brands"):
            tables["brands"] = self._list("brands", "/api/v2/brands.json", "brands", NAMED)
        if "form" in self._settings.dimensions.values():
            with self._load.optional("ticket_forms"):
                tables["ticket_forms"] = self._list("ticket_forms", "/api/v2/ticket_forms.json", "ticket_forms", TICKET_FORM)
        with self._load.optional("sla_policies"):
            tables["sla_policies"] = self._list("sla_policies", "/api/v2/slas/policies.json", "sla_policies", SLA_POLICY)
        with self._load.optional("custom_statuses"):
            tables["custom_statuses"] = self._list("custom_statuses", "/api/v2/custom_statuses.json", "custom_statuses", CUSTOM_STATUS)
            self._custom_statuses = {row.id for row in tables["custom_statuses"]}
        with self._load.optional("schedules"):
            tables["schedules"], tables["schedule_versions"] = self._schedules()
        self._load.store(tables, None, self._asked_at)
        with self._load.optional("organizations"):
            self._timed_export("organizations", "/api/v2/incremental/organizations.json", {}, self._organization)

    def _list(
        self, table: str, path: str, key: str, shape: Shape, parameters: Mapping[str, Any] | None = None,
        prepared: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> list[Row]:
        with self._load.timed(table):
            rows: dict[str, Row] = {}
            for answer in self._pages(path, parameters or {}):
                self._asked_at = answer.server_at
                for raw in records_of(answer.content, key):
                    latest(rows, self._row(table, prepared(raw), shape, "updated_at"))
            return list(rows.values())

    def _with_bots_told(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The name of an agent can be read here for the last time."""
        name, bots = str(raw.get("name") or ""), self._settings.bots
        pseudonym = self._load.shaper.person(raw.get("id"))
        if pseudonym is not None and name:
            self.names[pseudonym] = name
        if bots is None:
            is_bot = _BOT.search(name) is not None
        else:
            is_bot = bool({str(raw.get("id")), name.strip().casefold()} & {bot.casefold() for bot in bots})
        return {**raw, "is_bot": is_bot}

    def _pages(self, path: str, parameters: Mapping[str, Any]) -> Iterator[Answer]:
        """By cursor where the endpoint knows cursors, else by page number."""
        asked: dict[str, Any] = {**parameters, "page[size]": _PAGE}
        for _ in range(_MOST_PAGES):
            answer = self._load.api.get(path, asked)
            yield answer
            meta = answer.content.get("meta")
            if isinstance(meta, dict) and "has_more" in meta:
                if not meta["has_more"] or not meta.get("after_cursor"):
                    return
                asked = {**parameters, "page[size]": _PAGE, "page[after]": str(meta["after_cursor"])}
            else:
                number = _query_of(answer.content.get("next_page")).get("page")
                if number is None:
                    return
                asked = {**parameters, "page": number}

    def _schedules(self) -> tuple[list[Row], list[Row]]:
        """The schedules, and what was known of their hours since when."""
        with self._load.timed("schedules"):
            listed = [self._load.shaper.shape("schedules", whole, SCHEDULE) for whole in schedules_of(self._load.api)]
        held = self._load.landing.held_records("schedule_versions")
        versions = as_known_now(held, listed, self._asked_at)
        rows = [row_of(schedule, from_iso(schedule.get("updated_at"))) for schedule in listed]
        return rows, [row_of(version, self._asked_at) for version in versions]

    # ---- tickets -------------------------------------------------------------------------------------------------------

    def _tickets(self) -> None:
        with self._load.timed("tickets"):
            while not self._slice_of_tickets():
                pass

    def _slice_of_tickets(self) -> bool:
        """Stores some pages behind the cursor; True at the end of the stream."""
        step = self._step("tickets")
        cursor, known_until, ended = step.cursor, step.known_until, False
        since = self._since.setdefault("tickets", known_until or from_epoch(self._start))
        tickets: dict[str, Row] = {}
        metric_sets: dict[str, Row] = {}
        for _ in range(self._settings.slice_pages):
            answer = self._page_of_tickets(cursor, known_until)
            found = records_of(answer.content, "tickets")
            for raw in found:
                row = self._ticket(raw)
                latest(tickets, row)
                known_until = _later(known_until, from_epoch(raw.get("generated_timestamp")) or row.updated_at, answer.server_at)
                if isinstance(raw.get("metric_set"), dict):
                    latest(metric_sets, self._row("metric_sets", raw["metric_set"], METRIC_SET, "updated_at"))
            for raw in records_of(answer.content, "metric_sets"):
                latest(metric_sets, self._row("metric_sets", raw, METRIC_SET, "updated_at"))
            self._load.advanced("tickets", len(found), known_until, since, answer.server_at)
            after = answer.content.get("after_cursor")
            ended = bool(answer.content.get("end_of_stream")) or after is None or (after == cursor)
            cursor = after or cursor
            if ended:
                known_until = _later(known_until, answer.server_at - _EXPORT_LAG, answer.server_at)
                break
        done = Progress("tickets", cursor, known_until, step.is_complete or ended)
        self._store({"tickets": tickets, "metric_sets": metric_sets}, done, answer.server_at)
        return ended

    def _page_of_tickets(self, cursor: str | None, known_until: datetime | None) -> Answer:
        path, include = "/api/v2/incremental/tickets/cursor.json", {"include": "metric_sets"}
        if cursor is not None:
            try:
                return self._load.api.get(path, {**include, "cursor": cursor})
            except HttpError as error:
                if error.status not in _GONE:
                    raise
        start = self._start if known_until is None else max(self._start, to_epoch(known_until - _OVERLAP))
        return self._load.api.get(path, {**include, "start_time": start})

    # ---- exports by time -----------------------------------------------------------------------------------------------

    def _timed_export(self, table: str, path: str, parameters: Mapping[str, str], make: _MakeRow) -> None:
        with self._load.timed(table):
            while not self._slice_by_time(table, path, parameters, make):
                pass

    def _slice_by_time(self, table: str, path: str, parameters: Mapping[str, str], make: _MakeRow) -> bool:
        """As `_slice_of_tickets`: the next page begins with the second in which this one ended, so a few come twice."""
        step = self._step(table)
        start, known_until, ended = int(step.cursor or self._start), step.known_until, False
        since = self._since.setdefault(table, known_until or from_epoch(start))
        rows: dict[str, Row] = {}
        for _ in range(self._settings.slice_pages):
            answer = self._page_by_time(path, {**parameters, "start_time": start})
            if answer is None:
                ended = True
                break
            records = records_of(answer.content, _KEYS[table])
            ids: set[str] = set()
            for raw in records:
                row = make(raw)
                ids.add(row.id)
                latest(rows, row)
                known_until = _later(known_until, row.updated_at, answer.server_at)
            self._load.advanced(table, len(records), known_until, since, answer.server_at)
            end = _end_time(answer, start)
            ended = bool(answer.content.get("end_of_stream")) or not records or (end <= start and "end_of_stream" not in answer.content)
            stands_still = end <= start and not ended and ids <= self._last_page.get(table, set())
            self._last_page[table] = ids
            if stands_still:
                raise OpslaError(
                    f"source {self._settings.name}: {path}: more records share the second {start} than fit on a page, and Zendesk "
                    "does not page within a second; what was loaded before stays"
                )
            start = max(start, min(end, to_epoch(answer.server_at)))
            if ended:
                known_until = _later(known_until, answer.server_at - _EXPORT_LAG, answer.server_at)
                break
        seen_at = datetime.now(UTC).replace(tzinfo=None) if answer is None else answer.server_at
        if answer is None and known_until is None:
            known_until = from_epoch(start)
        self._store({table: rows}, Progress(table, str(start), known_until, step.is_complete or ended), seen_at)
        return ended

    def _page_by_time(self, path: str, parameters: Mapping[str, Any]) -> Answer | None:
        """None where the export says that its start lies too close to now: then there is nothing to be had yet."""
        try:
            return self._load.api.get(path, parameters)
        except HttpError as error:
            if error.status in {400, 422} and "recent" in error.code.lower():
                return None
            raise

    # ---- rows ----------------------------------------------------------------------------------------------------------

    def _row(self, table: str, raw: Mapping[str, Any], shape: Shape, stamp: str) -> Row:
        stored = self._load.shaper.shape(table, raw, shape)
        return row_of(stored, from_iso(stored.get(stamp)))

    def _organization(self, raw: Mapping[str, Any]) -> Row:
        return self._row("organizations", raw, self._organization_shape, "updated_at")

    def _ticket(self, raw: Mapping[str, Any]) -> Row:
        custom = raw.get("custom_status_id")
        if custom is not None and self._custom_statuses is not None and str(custom) not in self._custom_statuses:
            self._load.shaper.differences.add(("tickets", f"custom_status_id {custom}", "new", "", "integer"))
        return self._row("tickets", raw, self._ticket_shape, "updated_at")

    def _audit(self, raw: Mapping[str, Any]) -> Row:
        stored = audit_record(raw, self._load.shaper, self._settings.custom_fields)
        return row_of(stored, from_iso(stored.get("created_at")))

    def _metric_event(self, raw: Mapping[str, Any]) -> Row:
        for field, known in (("type", METRIC_EVENT_TYPES), ("metric", METRICS)):
            if isinstance(raw.get(field), str) and raw[field] not in known:
                self._load.shaper.differences.add(("metric_events", f"{field} {raw[field]}", "new", "", "string"))
        return self._row("metric_events", raw, METRIC_EVENT, "time")

    def _step(self, resource: str) -> Progress:
        return self._progress.get(resource, Progress(resource, None, None, False))

    def _store(self, tables: Mapping[str, dict[str, Row]], step: Progress, seen_at: datetime) -> None:
        self._load.store({name: list(rows.values()) for name, rows in tables.items()}, step, seen_at)
        self._progress[step.resource] = step


#: Table -> where its export has the records.
_KEYS = {"ticket_events": "ticket_events", "metric_events": "ticket_metric_events", "organizations": "organizations"}


def _later(known: datetime | None, seen: datetime | None, server_at: datetime) -> datetime | None:
    """Never beyond the server's own now, whatever a record says."""
    if seen is None:
        return known
    seen = min(seen, server_at)
    return seen if known is None else max(known, seen)


def _end_time(answer: Answer, start: int) -> int:
    found = answer.content.get("end_time")
    if isinstance(found, int):
        return found
    told = _query_of(answer.content.get("next_page")).get("start_time", "")
    return int(told) if told.isdigit() else start


def _query_of(address: object) -> dict[str, str]:
    """The parameters of a link. Links are not followed as they stand: credentials go to the configured address alone."""
    if not isinstance(address, str):
        return {}
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
