"""Loading an Intercom workspace into its bronze file.

Belongs here: what is asked, in which order, and how it goes on where it stopped. Does not belong here: what records mean.

Conversations are searched by the time of their update, slice by slice, and each is then asked for with its parts, which the search
leaves out. A conversation that changes meanwhile moves to a later slice; what was stored before and did not change is not asked
for again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import IntercomSettings
from opsla_dagster.sources.bronze.drift import bronze_file
from opsla_dagster.sources.bronze.files import loading_alone
from opsla_dagster.sources.bronze.http import Api, HttpError
from opsla_dagster.sources.bronze.landing import Landing, Row
from opsla_dagster.sources.bronze.loading import NOT_THERE, Load, latest, records_of, row_of
from opsla_dagster.sources.bronze.names import keep_names
from opsla_dagster.sources.bronze.privacy import Pseudonyms, secret_of
from opsla_dagster.sources.bronze.progress import Progress
from opsla_dagster.sources.bronze.report import LoadReport
from opsla_dagster.sources.bronze.shape import Shape, Shaper
from opsla_dagster.sources.bronze.stamps import day_before, from_epoch, to_epoch
from opsla_dagster.sources.intercom.records import (
    ADMIN,
    API_VERSION,
    DELETED,
    RESOURCES,
    SCHEDULE,
    TEAM,
    conversation_shape,
    is_bot_admin,
    with_plain_parts,
)

#: The search may lag behind.
_SEARCH_LAG = timedelta(minutes=2)
_PAGE = 150
#: Conversations leave the search while it is paged through: then it is asked again.
_ROUNDS = 3
_MOST_PAGES = 100_000


def load_intercom(settings: IntercomSettings, desk: DeskSettings, home: Home) -> LoadReport:
    """Loads what is new since the last load, slice by slice; what was stored stays stored, whatever happens next.

    Raises OpslaError: without token or key nothing is asked; when the API fails, the slices before it are kept.
    """
    pseudonyms = Pseudonyms(settings.name, settings.pseudonym_key_variable)
    path = bronze_file(home, settings.name)
    api = intercom_api(settings)
    with loading_alone(settings.name, path), closing(api):
        identity = {"system": "intercom", "pseudonym key": pseudonyms.check, **_workspace(api)}
        landing = Landing(settings.name, path, identity)
        load = Load(api, landing, Shaper(pseudonyms, keep_text=settings.keep_text), LoadReport(settings.name))
        with load.keeping_what_was_fetched():
            workspace = _Intercom(settings, load, to_epoch(day_before(settings.backfill_start(desk.start_date))))
            workspace.run()
        if settings.keep_names:
            keep_names(home, settings.name, workspace.names)
    return load.report


def intercom_api(settings: IntercomSettings) -> Api:
    """The workspace's API, with the token of the environment. Raises OpslaError where there is none."""
    token = secret_of(settings.name, settings.token_variable)
    return Api(
        settings.name, settings.address, headers={"Authorization": f"Bearer {token}", "Intercom-Version": API_VERSION},
        secrets=(token,), hint=f"look at {settings.token_variable}, and at what the token may see",
    )


def ask_for_a_team(api: Api) -> None:
    """A cheap request that needs the right to read the workspace."""
    api.get("/teams")


def _workspace(api: Api) -> dict[str, str]:
    """Which workspace the token belongs to: all of them have one address. Nothing where the token may not ask."""
    try:
        app = api.get("/me").content.get("app")
    except HttpError as error:
        if error.status not in NOT_THERE:
            raise
        return {}
    code = app.get("id_code") if isinstance(app, dict) else None
    return {"account": code} if isinstance(code, str) else {}


class _Intercom:
    """One load."""

    def __init__(self, settings: IntercomSettings, load: Load, start: int) -> None:
        self._settings, self._load, self._start = settings, load, start
        self._progress = load.landing.progress()
        load.report.is_first = "conversations" not in self._progress or not self._progress["conversations"].is_complete
        #: Pseudonym -> name of the admins; kept on this machine only, and only where asked for.
        self.names: dict[str, str] = {}
        self._shape = conversation_shape(settings.custom_attributes)
        self._server_at = datetime.now(UTC).replace(tzinfo=None)
        #: From when on this load asks for conversations.
        self._begun_from: datetime | None = None

    def run(self) -> None:
        for resource in RESOURCES:
            self._load.figures(resource)
        self._reference()
        with self._load.timed("conversations"):
            while not self._slice():
                pass
        with self._load.optional("deleted_conversations"), self._load.timed("deleted_conversations"):
            self._deleted()
        self._load.finish(self._server_at)

    # ---- small lists ---------------------------------------------------------------------------------------------------

    def _reference(self) -> None:
        admins = self._get_list("/admins", "admins")
        people = {self._load.shaper.person(raw.get("id")): str(raw.get("name") or "") for raw in admins}
        self.names = {pseudonym: name for pseudonym, name in people.items() if pseudonym is not None and name}
        tables = {
            "admins": [self._row("admins", {**raw, "is_bot": is_bot_admin(raw, self._settings.bots)}, ADMIN) for raw in admins],
            "teams": [self._row("teams", raw, TEAM) for raw in self._get_list("/teams", "teams")],
        }
        with self._load.optional("office_hours"):
            tables["office_hours"] = [
                self._row("office_hours", {**raw, "exceptions": self._exceptions(raw), "list_position": position}, SCHEDULE)
                for position, raw in enumerate(self._get_list("/office_hours_schedules", "data"))
            ]
        self._load.store(tables, None, self._server_at)

    def _exceptions(self, schedule: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            return self._get_list(f"/office_hours_schedules/{schedule.get('id')}/office_hours_exceptions", "data")
        except HttpError as error:
            if error.status != 404:
                raise
            return []

    def _get_list(self, path: str, key: str) -> list[dict[str, Any]]:
        answer = self._load.api.get(path)
        self._server_at = answer.server_at
        return records_of(answer.content, key)

    # ---- conversations -------------------------------------------------------------------------------------------------

    def _slice(self) -> bool:
        """Stores the conversations updated in some hours behind the watermark; True at the end."""
        step = self._progress.get("conversations", Progress("conversations", None, None, False))
        since = int(step.cursor or self._start)
        self._begun_from = self._begun_from or from_epoch(since)
        until = since + self._settings.slice_hours * 3_600
        is_last = until >= to_epoch(self._server_at - _SEARCH_LAG)
        listed, begun_at = self._listed(since, None if is_last else until)
        self._fetch([number for number, updated_at in listed.items() if not self._is_held(number, updated_at)])
        if is_last:
            until = max(since, to_epoch(begun_at - _SEARCH_LAG))
        done = Progress("conversations", str(until), from_epoch(until), step.is_complete or is_last)
        self._load.store({}, done, self._server_at)
        self._load.advanced("conversations", len(listed), done.known_until, self._begun_from, self._server_at)
        self._progress["conversations"] = done
        return is_last

    def _listed(self, since: int, until: int | None) -> tuple[dict[str, int | None], datetime]:
        """Id -> time of update, of what was updated from `since` up to `until`; and when the search began."""
        conditions = [{"field": "updated_at", "operator": ">", "value": since - 1}]
        if until is not None:
            conditions.append({"field": "updated_at", "operator": "<", "value": until})
        listed: dict[str, int | None] = {}
        begun_at: datetime | None = None
        for _ in range(_ROUNDS):
            total = 0
            for content, server_at in self._search({"operator": "AND", "value": conditions}):
                begun_at = begun_at or server_at
                total = max(total, int(content.get("total_count") or 0))
                for record in records_of(content, "conversations"):
                    listed[str(record.get("id"))] = record.get("updated_at")
            if len(listed) >= total:
                break
        assert begun_at is not None
        return listed, begun_at

    def _search(self, query: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], datetime]]:
        after: str | None = None
        for _ in range(_MOST_PAGES):
            pagination: dict[str, Any] = {"per_page": _PAGE}
            if after is not None:
                pagination["starting_after"] = after
            answer = self._load.api.post("/conversations/search", {"query": query, "pagination": pagination})
            self._server_at = answer.server_at
            yield answer.content, answer.server_at
            pages = answer.content.get("pages")
            following = pages.get("next") if isinstance(pages, dict) else None
            after = following.get("starting_after") if isinstance(following, dict) else None
            if not after:
                return

    def _is_held(self, number: str, updated_at: int | None) -> bool:
        """Stored after that update: asked for later than the second in which it happened."""
        fetched_at = self._fetched.get(number)
        return fetched_at is not None and updated_at is not None and fetched_at[0] == updated_at and fetched_at[1] > updated_at + 1

    @property
    def _fetched(self) -> dict[str, tuple[int, int]]:
        if self._held is None:
            self._held = self._load.landing.held_times("conversations", "updated_at", "fetched_at")
        return self._held

    _held: dict[str, tuple[int, int]] | None = None

    def _fetch(self, numbers: list[str]) -> None:
        """Asks for each conversation with its parts; one that was deleted meanwhile is not there."""
        for number in numbers:
            try:
                answer = self._load.api.get(f"/conversations/{number}")
            except HttpError as error:
                if error.status != 404:
                    raise
                continue
            self._server_at = answer.server_at
            plain = with_plain_parts(answer.content, self._settings.custom_attributes, self._settings.bots)
            whole = {**plain, "fetched_at": to_epoch(answer.server_at)}
            self._load.store({"conversations": [self._row("conversations", whole, self._shape)]}, None, self._server_at)

    def _deleted(self) -> None:
        rows: dict[str, Row] = {}
        for page in range(1, _MOST_PAGES):
            answer = self._load.api.get("/conversations/deleted", {"page": page, "per_page": 60})
            for raw in records_of(answer.content, "conversations"):
                latest(rows, self._row("deleted_conversations", raw, DELETED, "deleted_at"))
            pages = answer.content.get("pages")
            if not isinstance(pages, dict) or not pages.get("next"):
                break
        self._load.store({"deleted_conversations": list(rows.values())}, None, self._server_at)

    def _row(self, table: str, raw: Mapping[str, Any], shape: Shape, stamp: str = "updated_at") -> Row:
        stored = self._load.shaper.shape(table, raw, shape)
        return row_of(stored, from_epoch(stored.get(stamp)))

