"""report.html: one self-contained page from the published marts.

Belongs here: putting the page together. Does not belong here: what a section says (sections/) or looks like (templates/).
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.files import write_whole
from opsla_dagster.reporting.headline import headline
from opsla_dagster.reporting.marts import published
from opsla_dagster.reporting.run_summary import Headline, RunSummary, SlaFigures
from opsla_dagster.reporting.sections import all_sections
from opsla_dagster.settings import Settings


def write_report(marts: Path, run_summary: RunSummary | None, target: Path, settings: Settings) -> Path:
    """Write the report of the published `marts` (a marts.duckdb) to `target` and return it.

    The page holds all it needs and no scripts. Checks, and the figures that no mart holds, come from `run_summary`; without
    one the page says so; what is promised, its titles and the desk's zone from `settings`. The same marts and summary give the same bytes. Raises OpslaError when the marts cannot be
    read or the page cannot be written; an older page then still stands.
    """
    with published(marts) as connection:
        measured = _completed(headline(connection, settings), run_summary)
        sections = all_sections(connection, measured, run_summary)
    page = environment().get_template("report.html.j2").render(
        headline=measured, summary=run_summary, sections=sections
    )
    write_whole(target, page)
    return target


def _completed(measured: Headline, summary: RunSummary | None) -> Headline:
    """`measured` with what the marts do not hold, from a run that published these very marts."""
    if summary is None or summary.headline is None or not summary.succeeded:
        return measured
    ran = {sla.sla: sla for sla in summary.headline.slas}
    return measured.model_copy(update={
        "events": summary.headline.events,
        "last_event_at": summary.headline.last_event_at,
        "events_per_case": summary.headline.events_per_case,
        "data_quality": summary.headline.data_quality,
        "slas": tuple(_completed_sla(sla, ran.get(sla.sla)) for sla in measured.slas),
    })


def _completed_sla(measured: SlaFigures, ran: SlaFigures | None) -> SlaFigures:
    """`measured` with the target and, where both judge the same cases, the percentiles of the run."""
    if ran is None:
        return measured
    target = measured.target_minutes if measured.target_minutes is not None else ran.target_minutes
    percentiles = (
        {"p50": ran.p50, "p90": ran.p90, "p95": ran.p95} if measured.p50 is None and measured.cases == ran.cases else {}
    )
    return measured.model_copy(update={"target_minutes": target, **percentiles})


def environment() -> Environment:
    """Templates of this package; what a page asks for and does not get is an error, not a blank."""
    environment = Environment(
        loader=PackageLoader("opsla_dagster.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = wording
    return environment
