"""The sections of the report, one module each: what it found, in words and as data for its template.

Belongs here: reading the published marts and saying what they say. Does not belong here: HTML (templates/), drawing
(charts.py), business rules (sql/). A figure is counted or ranked here, or a sum of counts turned into a rate; percentiles
are taken from the marts as they are, since percentiles of parts cannot be put together.
"""

from __future__ import annotations

import duckdb

from opsla_dagster.reporting.run_summary import Headline, RunSummary
from opsla_dagster.reporting.sections.bots import bots
from opsla_dagster.reporting.sections.breaks import breaks
from opsla_dagster.reporting.sections.clock_comparison import clock_comparison
from opsla_dagster.reporting.sections.common import Section
from opsla_dagster.reporting.sections.flow import flow
from opsla_dagster.reporting.sections.forecast import forecast
from opsla_dagster.reporting.sections.heat_map import heat_map
from opsla_dagster.reporting.sections.next_tickets import next_tickets
from opsla_dagster.reporting.sections.open_clocks import open_clocks
from opsla_dagster.reporting.sections.promises import promises
from opsla_dagster.reporting.sections.quality import quality
from opsla_dagster.reporting.sections.reading import reading
from opsla_dagster.reporting.sections.reopens import reopens
from opsla_dagster.reporting.sections.satisfaction import satisfaction
from opsla_dagster.reporting.sections.scenarios import scenarios
from opsla_dagster.reporting.sections.schedule_rules import schedule_rules
from opsla_dagster.reporting.sections.sources import sources
from opsla_dagster.reporting.sections.staffing import staffing
from opsla_dagster.reporting.sections.stages import stages
from opsla_dagster.reporting.sections.trend import trend


def all_sections(
    connection: duckdb.DuckDBPyConnection, headline: Headline, summary: RunSummary | None
) -> list[Section]:
    """The sections of the report in their order, those that have something to show; `headline` is that of the same marts."""
    sections = [
        promises(headline),
        breaks(connection, headline),
        trend(connection, headline),
        heat_map(connection, headline),
        stages(connection, headline),
        flow(connection, headline),
        forecast(connection, headline),
        staffing(connection, headline),
        reopens(connection, headline),
        scenarios(headline),
        satisfaction(connection),
        bots(connection),
        open_clocks(connection, headline),
        next_tickets(connection, headline),
        quality(summary),
        sources(connection, headline),
        clock_comparison(connection, headline),
        schedule_rules(connection, headline),
        reading(summary),
    ]
    return [section for section in sections if section is not None]
