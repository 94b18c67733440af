"""The application: addresses, and what answers them.

Belongs here: routes, errors as pages, the server. Does not belong here: what is on a page (pages/), and who may ask (guard.py).
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import duckdb
import uvicorn
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from opsla_dagster import __version__
from opsla_dagster.center.address import RefusedAddress, State, parse_choice
from opsla_dagster.center.answers import (
    PAGE_SECONDS,
    Answer,
    Answers,
    BusyError,
    RateLimit,
    Turns,
    bounded,
    comparison_page_turns,
    page_turns,
)
from opsla_dagster.center.guard import Access, Guard
from opsla_dagster.center.model import Column, Grid, Page
from opsla_dagster.center.pages.case import case, case_json
from opsla_dagster.center.pages.cases import cases
from opsla_dagster.center.pages.flow import DAYS as FLOW_DAYS
from opsla_dagster.center.pages.flow import flow_page
from opsla_dagster.center.pages.forecast import forecast_page
from opsla_dagster.center.pages.now import now_page
from opsla_dagster.center.pages.open_cases import open_page
from opsla_dagster.center.pages.ownership import ownership_page
from opsla_dagster.center.pages.promises import promises_page
from opsla_dagster.center.pages.quality import quality_page
from opsla_dagster.center.pages.queues import DIMENSIONS, queues_page
from opsla_dagster.center.pages.risk import risk_page
from opsla_dagster.center.pages.staffing import staffing_page
from opsla_dagster.center.pages.what_if import DAYS as WHAT_IF_DAYS
from opsla_dagster.center.pages.what_if import Change, read_change, refused_what_if, what_if
from opsla_dagster.center.parameters import (
    CaseParameters,
    CasesParameters,
    FlowParameters,
    ForecastParameters,
    InstantParameters,
    OpenParameters,
    Parameters,
    QueuesParameters,
    StaffingParameters,
    WhatIfParameters,
)
from opsla_dagster.center.publication import NothingPublishedError, Publication, Publications
from opsla_dagster.center.rendering import as_json, csv, html, json_bytes, pages_environment, stylesheet
from opsla_dagster.center.view import View
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings

_log = logging.getLogger(__name__)
_HTML, _JSON, _CSV = "text/html; charset=utf-8", "application/json", "text/csv; charset=utf-8"
_STATIC = Path(__file__).with_name("static")
_STATIC_TYPES = {"center.css": "text/css; charset=utf-8", "center.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
#: Comparisons of promises that are computed within a minute, for all readers together.
_WHAT_IFS_A_MINUTE = 6
#: Those that are remembered.
_COMPARISONS_HELD = 8
#: So many publications may follow one another while a page is being made.
_PUBLICATIONS_TRIED = 3
#: Connections that are open at the same time, and seconds that an idle one is kept.
_MOST_CONNECTIONS, _KEEP_ALIVE_SECONDS = 256, 15


@dataclass(frozen=True)
class Spec:
    """One page: its path, its name in the navigation (empty: not there), its parameters, and what makes it.

    `is_whole` tells `build` to give every row, for CSV. `changes_with` names what a page depends on besides the publication. `to_json` is for a
    page whose JSON is not that of its tables.
    """

    path: str
    name: str
    summary: str
    parameters: type[BaseModel]
    build: Callable[[View, Any, bool], Page]
    changes_with: Callable[[Settings], str] = lambda _settings: ""
    to_json: Callable[[View, Any], dict[str, Any]] | None = None
    has_csv: bool = True
    #: Whether the instant changes what the page shows; the others only carry it on.
    is_of_instant: bool = True
    seconds: float = PAGE_SECONDS
    #: A page that may judge cases anew: it has turns of its own, and is made only when somebody asks for it.
    is_comparison: bool = False

    @property
    def slug(self) -> str:
        return self.path.removeprefix("/") or "now"


@dataclass
class Center:
    """What all requests share."""

    publications: Publications
    templates: Environment
    root: str
    answers: Answers = field(default_factory=Answers)
    turns: Turns = field(default_factory=page_turns)
    comparison_turns: Turns = field(default_factory=comparison_page_turns)
    compared: dict[str, Page] = field(default_factory=dict)
    #: Held by the one comparison that is computed: each may take 1 GB.
    comparing: threading.Lock = field(default_factory=threading.Lock)
    what_ifs: RateLimit = field(default_factory=lambda: RateLimit(_WHAT_IFS_A_MINUTE, 60.0))

    def navigation(self, view: View | None) -> list[tuple[str, str]]:
        """The pages that have something to say of this desk: (path, name)."""
        hidden = {"/queues"} if view is not None and not view.told_dimensions else set()
        return [(spec.path, spec.name) for spec in self.specs() if spec.name and spec.path not in hidden]

    def specs(self) -> Sequence[Spec]:
        """The pages, in the order of the navigation."""
        return (
            Spec("/", "Now", "How the desk, or a queue, stands: to green, past due, due next, debt, trends.", Parameters, lambda view, _query, _whole: now_page(view)),
            Spec("/queues", "Queues", "How each queue, priority, tier ... stands.", QueuesParameters, _queues),
            Spec("/open", "Open cases", "The open cases, what is past due first.", OpenParameters, lambda view, query, whole: open_page(view, query.filters(), is_whole=whole)),
            Spec("/risk", "Risk", "The open clocks that will probably break, why, and how such predictions came out.", Parameters, lambda view, _query, whole: risk_page(view, is_whole=whole), is_of_instant=False),
            Spec("/promises", "Promises", "How often each promise is met, and where they are breached.", InstantParameters, lambda view, _query, _whole: promises_page(view), is_of_instant=False),
            Spec(
                "/what-if", "", "What other promises would have done: target.<policy>.<metric>=4h, calendar.<policy>=<name>.", WhatIfParameters,
                self._what_if, is_of_instant=False, seconds=60.0, is_comparison=True,
            ),
            Spec("/staffing", "Staffing", "Which heads keep a promise, what rosters bring, and what other heads, arrivals and touch times would do.", StaffingParameters, _staffing, is_of_instant=False, is_comparison=True),
            Spec("/cases", "Cases", "A list of cases to search and filter.", CasesParameters, lambda view, query, whole: cases(view, query.filters(), is_whole=whole)),
            Spec(
                "/case", "", "One case, explained to the second.", CaseParameters, lambda view, query, _whole: case(view, query.id),
                to_json=lambda view, query: case_json(view, query.id), has_csv=False, is_of_instant=False,
            ),
            Spec("/flow", "Flow", "Cumulative flow, cycle times, ages of open cases, stages.", FlowParameters, _flow),
            Spec(
                "/forecast", "Forecast", "What comes in next, how far that can be trusted, when the backlog is down; heads=10, arrivals=-5, handling=10 in percent.",
                ForecastParameters, lambda view, query, _whole: forecast_page(view, query.asked()), is_of_instant=False,
            ),
            Spec("/ownership", "Ownership", "Who really had the time, who hands cases to whom, and who has what is open.", Parameters, lambda view, _query, whole: ownership_page(view, is_whole=whole)),
            Spec("/quality", "Data quality", "Checks, rejected records, freshness, latest runs.", InstantParameters, lambda view, _query, _whole: quality_page(view), _latest_run, is_of_instant=False),
        )  # fmt: skip

    def _what_if(self, view: View, query: WhatIfParameters, _is_whole: bool) -> Page:
        change = read_change({name: str(value) for name, value in (query.model_extra or {}).items()}, view.settings.sla_policies)
        unknown = [name for name in query.model_extra or {} if not name.startswith(("target.", "calendar."))]
        if unknown:
            raise RefusedAddress(f"{unknown[0]}: this page has no such parameter")
        days = parse_choice("days", query.days, WHAT_IF_DAYS) if query.days else "28"
        # The page, its JSON and each of its tables are one comparison.
        asked = repr((view.publication.generation, view.state, sorted(change.targets.items()), sorted(change.calendars.items()), days))
        found = self.compared.get(asked)
        if found is None:
            found = self._compared(view, change, days) if change.targets or change.calendars else what_if(view, change, days)
            self.compared[asked] = found
            for oldest in list(self.compared)[:-_COMPARISONS_HELD]:
                self.compared.pop(oldest, None)
        return found

    def _compared(self, view: View, change: Change, days: str) -> Page:
        """A comparison, the only one at this time. Raises BusyError while there is another."""
        if not self.comparing.acquire(blocking=False):
            raise BusyError("Another comparison of promises is being computed, and only one is at a time.")
        try:
            self.what_ifs.take("Promises were compared several times within this minute; each comparison judges the cases anew.")
            return what_if(view, change, days)
        finally:
            self.comparing.release()


def _flow(view: View, query: FlowParameters, _is_whole: bool) -> Page:
    return flow_page(view, parse_choice("days", query.days, FLOW_DAYS) if query.days else "28")


def _staffing(view: View, query: StaffingParameters, _is_whole: bool) -> Page:
    return staffing_page(view, query.promise, query.queue or None, query.what_if())


def _queues(view: View, query: QueuesParameters, _is_whole: bool) -> Page:
    return queues_page(view, parse_choice("by", query.by, DIMENSIONS) if query.by else "queue" if "queue" in view.told_dimensions else next(iter(view.told_dimensions), "queue"))


def _latest_run(settings: Settings) -> str:
    names = sorted(path.name for path in (settings.home.reports / "run_summaries").glob("*.json"))
    return names[-1] if names else ""


def create_app(settings: Settings, access: Access, root: str = "", *, reads_settings_anew: bool = True) -> Guard:
    """The command centre of a home, behind its guard; `root` is the path under which a reverse proxy shows it.

    `reads_settings_anew`: with each publication the config directory is read again, since the run that published read it.
    """
    center = Center(Publications(settings.home, settings, reads_settings_anew), pages_environment(), root)
    center.publications.prepare = center.answers.prepare
    center.publications.forget = center.answers.forget
    app = FastAPI(
        title="opsla command centre", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        description="How the desk stands: read-only. Every page of the command centre as JSON, every table as CSV. Instants are UTC.",
        servers=[{"url": root or "/"}],
    )  # fmt: skip
    for spec in center.specs():
        _add_page(app, center, spec)
    _add_rest(app, center)
    _add_errors(app, center)
    return Guard(app, access)


def _add_page(app: FastAPI, center: Center, spec: Spec) -> None:
    def page(request: Request, query: Any) -> Response:
        return _answer(center, spec, request, query, "html", _HTML, lambda made, view, path, given: html(
            center.templates, made, view, view.state, path, given, center.navigation(view), is_of_instant=spec.is_of_instant
        ).encode())  # fmt: skip

    def data(request: Request, query: Any) -> Response:
        return _answer(center, spec, request, query, "json", _JSON, lambda made, view, _path, _given: json_bytes(as_json(made, view)))

    def table(request: Request, query: Any, key: str) -> Response:
        def one(made: Page, _view: View, _path: str, _given: dict[str, str]) -> bytes:
            grids = made.all_grids()
            if key not in grids:
                raise RefusedAddress(f"{key}: this page has no such table; it has: {', '.join(grids) or 'none'}", 404)
            return csv(grids[key])

        return _answer(center, spec, request, query, f"csv/{key}", _CSV, one, filename=f"opsla_{spec.slug}_{key}.csv")

    for endpoint in (page, data, table):
        endpoint.__annotations__["query"] = Annotated[spec.parameters, Query()]
    app.add_api_route(spec.path, page, methods=["GET"], include_in_schema=False)
    app.add_api_route(f"/api/{spec.slug}", data, methods=["GET"], summary=spec.summary, operation_id=spec.slug, tags=["pages"])
    if spec.has_csv:
        app.add_api_route(
            f"/csv/{spec.slug}/{{key}}", table, methods=["GET"], summary=f"One table of: {spec.summary}", operation_id=f"{spec.slug}-csv", tags=["tables"],
            response_class=Response, responses={200: {"content": {"text/csv": {}}}},
        )  # fmt: skip


def _answer(
    center: Center, spec: Spec, request: Request, query: Any, form: str, media_type: str, render: Callable[[Page, View, str, dict[str, str]], bytes], filename: str = "",
) -> Response:
    """The page in one of its forms, made once a generation and address."""
    given = {name: value for name, value in sorted(request.query_params.items()) if value}

    def make(publication: Publication) -> Answer:
        state = query.state(publication.settings.sources.desk.timezone, center.root)
        connection = publication.connection.cursor()
        try:
            view = View(publication, connection, state)
            with bounded(connection, spec.seconds):
                view.require_instant()
                if form == "json" and spec.to_json is not None:
                    body = json_bytes(spec.to_json(view, query))
                else:
                    # A list that is gone through page by page is never shown whole.
                    is_whole = form.startswith("csv/") or (bool(query.whole) and "page" not in spec.parameters.model_fields)
                    body = render(spec.build(view, query, is_whole), view, spec.path, given)
        finally:
            connection.close()
        return Answer(body, media_type, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')

    def answered() -> Answer:
        with center.publications.newest() as publication:
            address = f"{form} {spec.path}?{State().url('', **given)} {spec.changes_with(publication.settings)}"
            try:
                turns = center.comparison_turns if spec.is_comparison else center.turns
                return center.answers.of(publication, address, make, turns, is_prepared=not spec.is_comparison)
            except duckdb.IOException:
                # Files of this publication are gone, since newer ones have followed.
                center.publications.renew(publication)
                raise

    for _ in range(_PUBLICATIONS_TRIED - 1):
        with suppress(duckdb.IOException):
            answer = answered()
            break
    else:
        answer = answered()
    headers = {"etag": answer.etag, "cache-control": "private, no-cache"}
    if filename:
        headers["content-disposition"] = f'attachment; filename="{filename}"'
    if request.headers.get("if-none-match") == answer.etag:
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type=answer.media_type, headers=headers)


def _add_rest(app: FastAPI, center: Center) -> None:
    static = {name: (_STATIC / name).read_bytes() for name in _STATIC_TYPES}
    static["report.css"] = stylesheet(center.templates).encode()
    types = {**_STATIC_TYPES, "report.css": "text/css; charset=utf-8"}

    @app.get("/static/{name}", include_in_schema=False)
    def style_or_script(name: str) -> Response:
        if name not in static:
            raise HTTPException(404)
        return Response(static[name], media_type=types[name], headers={"cache-control": "public, max-age=86400"})

    @app.get("/api/generation", summary="Which publication is shown now; it changes with every run.", operation_id="generation", tags=["pages"])
    def generation() -> dict[str, str]:
        with center.publications.newest() as publication:
            return {"generation": publication.generation, "published_at": publication.published_at.isoformat() + "Z"}

    @app.get("/api", include_in_schema=False)
    def api(request: Request) -> Response:
        keys = _table_keys(center, request)
        rows = [
            {
                "path": path, "summary": operation["get"]["summary"], "parameters": ", ".join(each["name"] for each in operation["get"].get("parameters", [])),
                "keys": ", ".join(keys.get(path, ())) or None,
            }
            for path, operation in app.openapi()["paths"].items()
        ]  # fmt: skip
        columns = [Column("path", "Address"), Column("summary", "What it gives"), Column("parameters", "Parameters"), Column("keys", "Tables: {key}")]
        grid = Grid("operations", "Addresses", columns, rows)
        page = Page("api.html.j2", "What programs can ask", grids=[grid])
        return Response(html(center.templates, page, None, State(root=center.root), "/api", {}, center.navigation(None)), media_type=_HTML)


def _table_keys(center: Center, request: Request) -> dict[str, list[str]]:
    """The tables of each page as it is without parameters, by the address of its CSV; none while nothing is published. A comparison is asked for by nobody here."""
    found = {}
    for spec in center.specs():
        if spec.has_csv and not spec.is_comparison:
            with suppress(NothingPublishedError, OpslaError, BusyError, RefusedAddress):
                body = _answer(center, spec, request, spec.parameters(), "json", _JSON, lambda made, view, _path, _given: json_bytes(as_json(made, view))).body
                found[f"/csv/{spec.slug}/{{key}}"] = list(json.loads(bytes(body))["tables"])
    return found


def _form_again(center: Center, given: dict[str, str], problem: str) -> bytes:
    """The form of promises as somebody filled it in, with what is wrong."""
    with center.publications.newest() as publication:
        connection = publication.connection.cursor()
        try:
            view = View(publication, connection, State(root=center.root))
            return html(center.templates, refused_what_if(view, given, problem), view, view.state, "/what-if", {}, center.navigation(view)).encode()
        finally:
            connection.close()


def _add_errors(app: FastAPI, center: Center) -> None:
    def refuse(request: Request, title: str, problem: str, status: int, headers: dict[str, str] | None = None) -> Response:
        if request.url.path.startswith(("/api/", "/csv/")):
            return Response(json_bytes({"error": problem}), status, headers, media_type=_JSON)
        page = Page("error.html.j2", title, context={"problem": problem})
        body = html(center.templates, page, None, State(root=center.root), request.url.path, {}, center.navigation(None))
        return Response(body, status, headers, media_type=_HTML)

    @app.exception_handler(RefusedAddress)
    def refused(request: Request, error: RefusedAddress) -> Response:
        if request.url.path == "/what-if":
            return Response(_form_again(center, dict(request.query_params), error.problem), error.status, media_type=_HTML)
        return refuse(request, "Not found" if error.status == 404 else "This address cannot be read", error.problem, error.status)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = str(first["loc"][-1])
        problem = {"extra_forbidden": "this page has no such parameter", "missing": "is required here"}.get(first["type"], first["msg"])
        return refuse(request, "This address cannot be read", f"{name}: {problem}", 400)

    @app.exception_handler(HTTPException)
    def missing(request: Request, error: HTTPException) -> Response:
        return refuse(request, "Not found", "There is no such page.", error.status_code)

    @app.exception_handler(BusyError)
    def busy(request: Request, error: BusyError) -> Response:
        status = 429 if "/what-if" in request.url.path else 503
        return refuse(request, "Not now", f"{error.problem} Try again in {error.retry_seconds} seconds.", status, {"retry-after": str(error.retry_seconds)})

    @app.exception_handler(NothingPublishedError)
    def nothing(request: Request, _error: NothingPublishedError) -> Response:
        return refuse(request, "Nothing is published yet", "`opsla run` loads a window of cases and publishes the marts; then this page shows the desk.", 503, {"retry-after": "30"})

    @app.exception_handler(OpslaError)
    def unreadable(request: Request, error: OpslaError) -> Response:
        _log.error("opsla center: %s", error)
        return refuse(request, "The published marts cannot be read", "Look into the log of the command centre, which says why; `opsla run` publishes the marts anew.", 503, {"retry-after": "30"})

    @app.exception_handler(Exception)
    def unexpected(request: Request, _error: Exception) -> Response:
        return refuse(request, "Something went wrong", "The page could not be made; the log of the command centre says why.", 500)


def serve(settings: Settings, access: Access, host: str, port: int, root: str) -> None:
    """Serves until it is stopped."""
    config = uvicorn.Config(
        create_app(settings, access, root), host=host, port=port, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS, timeout_keep_alive=_KEEP_ALIVE_SECONDS, lifespan="off", ws="none",
    )  # fmt: skip
    uvicorn.Server(config).run()
