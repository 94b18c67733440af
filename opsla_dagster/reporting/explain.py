"""One case, explained: its events, and for each clock which seconds counted and why the others did not.

Belongs here: finding the case and putting its parts together. Does not belong here: the parts (explain_events.py, explain_clocks.py), how they
look (explain_text.py, explain_picture.py), and rules of any clock: the account is built from spans and business time and then held against
staging.sla_clocks.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import datetime

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.reporting.case_rows import Row, of_case, rows_of
from opsla_dagster.reporting.explain_clocks import clock_of, on_changed_schedule
from opsla_dagster.reporting.explain_events import time_line
from opsla_dagster.reporting.explain_future import not_yet_of, read_of
from opsla_dagster.reporting.explain_links import links_of
from opsla_dagster.reporting.explain_stints import ownership_spans_of, stints_of
from opsla_dagster.reporting.explanation import MOST_REJECTED, Explanation, Rejected, Span, Verdict, listed
from opsla_dagster.reporting.marts import has_table
from opsla_dagster.reporting.promises import metric_title
from opsla_dagster.settings import Settings
from opsla_dagster.settings.ownership import UNASSIGNED
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.sources.event_log.mapping import bare_id
from opsla_dagster.sources.filled import tells_holders
from opsla_dagster.window import ONE_DAY

_MATCHES_SHOWN = 5
_MATCHES_CONSIDERED = 200


def explain(connection: duckdb.DuckDBPyConnection, case_id: str, settings: Settings) -> Explanation:
    """The case as the warehouse has it; the desk's zone, titles and names of holidays as `settings` have them.

    Raises OpslaError for a case nobody knows, with those it may be meant for, and for a warehouse without a refresh.
    """
    try:
        return _explain(connection, bare_id(case_id), settings)
    except duckdb.CatalogException as error:
        raise OpslaError(f"{settings.home.root}: this home has no cases to explain yet; `opsla run` makes them (OPSLA_HOME names another home)") from error


def _explain(connection: duckdb.DuckDBPyConnection, case_id: str, settings: Settings) -> Explanation:
    case = _case(connection, case_id, settings)
    as_of_at = _last_look(connection, case)
    if as_of_at is None:
        raise OpslaError(f"{settings.home.root}: no refresh of this home was completed yet; `opsla run` completes one")
    spans = of_case(connection, "staging.status_spans", case, "span_number")
    rules = rows_of(connection, "select * from staging.sla_metric_rules order by metric, role, signal")
    clock_spans = of_case(connection, "staging.sla_clock_spans", case, "started_at, state")
    changed = of_case(connection, "staging.schedule_change_clocks", case, "policy, metric, cycle")
    always_open = {
        row["calendar"] for row in rows_of(connection, "select calendar from staging.business_time group by calendar having bool_and(is_open)")
    }
    clocks = [
        on_changed_schedule(
            clock_of(connection, row, rules, [span for span in clock_spans if _is_of(span, row)], spans, as_of_at, settings, always_open),
            next((change for change in changed if _is_of(change, row)), None),
        )
        for row in of_case(connection, "staging.sla_clocks", case, "started_at, target_seconds, metric, policy, cycle")
    ]
    promises = of_case(connection, "staging.case_sla_policies", case, "in_force_from_at, metric")
    promised = {(promise["policy"], promise["metric"]) for promise in promises}
    verdicts = _verdicts(connection, case, settings.sla_policies)
    is_holding_told = tells_holders(settings.sources, case["source"])
    stints = stints_of(connection, case) if is_holding_told else ()
    sources = (case["source"], *settings.sources.beside(case["source"]))
    return Explanation(
        **{name: case[name] for name in ("case_id", "source", "tier", "case_type", "priority", "agent")},
        # Of a log with an audit log beside it the case's own record names no team.
        team=case["team"] or (stints[-1].team if stints and stints[-1].team != UNASSIGNED else None),
        intake_at=case["intake_ts"],
        intake_date=case["intake_date"].isoformat(),
        ended_at=case["ended_at"],
        is_open=case["is_open"],
        reopen_count=case["reopen_count"],
        zone=settings.sources.desk.timezone,
        as_of_at=as_of_at,
        merged_into=case["merged_into"],
        verdicts=verdicts,
        rejected=_rejected(connection, case["case_id"], sources),
        not_yet=not_yet_of(settings, case["case_id"], as_of_at, sources),
        stints=stints,
        inactive_after_seconds=settings.ownership.inactive_after,
        ownership_spans=ownership_spans_of(connection, case) if is_holding_told else (),
        is_holding_told=is_holding_told,
        links=links_of(connection, case, as_of_at),
        events=time_line(connection, case, promises, verdicts, settings.sla_policies),
        spans=tuple(Span(*(span[name] for name in ("started_at", "ended_at", "status", "event_id"))) for span in spans),
        clocks=tuple(clocks),
        promised_but_not_started=tuple(
            f"{policy} {metric}" for policy, metric in sorted(promised - {(clock.policy, clock.metric) for clock in clocks})
        ),
    )


def _case(connection: duckdb.DuckDBPyConnection, case_id: str, settings: Settings) -> Row:
    found = rows_of(connection, "select * from staging.case_milestones where case_id = $case_id", case_id=case_id)
    found = found or rows_of(
        connection, "select * from staging.case_milestones where lower(case_id) = lower($case_id)", case_id=case_id
    )
    meant = sorted({row["case_id"] for row in found})
    if len(meant) > 1:
        raise OpslaError(f"case {case_id!r} may be {' or '.join(meant)}; write it as one of them")
    if len(found) == 1:
        return found[0]
    if found:
        dates = " and ".join(sorted(row["intake_date"].isoformat() for row in found))
        raise OpslaError(f"case {case_id!r} is held under several intake dates, {dates}; `opsla refresh` loads them anew")
    [[last_look]] = connection.execute("select max(as_of_at) from ops.partition_as_of").fetchall()
    waiting = not_yet_of(settings, case_id, last_look) if last_look is not None else ()
    if waiting:
        told = [record.sentence(settings.sources.desk.timezone) for record in waiting[:MOST_REJECTED]]
        raise OpslaError("\n  ".join([f"case {case_id!r} has no record up to the last look; these lie after it, and count when that time has come:", *told, *listed(_rejected(connection, case_id))]))
    rejected = _rejected(connection, case_id)
    if rejected:
        raise OpslaError("\n  ".join([f"every record of case {case_id!r} was rejected, {counted(len(rejected), 'record')}:", *listed(rejected)]))
    for intake_date, place in read_of(settings, case_id):
        raise OpslaError(
            f"case {case_id!r} came in on {intake_date} ({place}), and is not loaded; where its stamp is right, "
            f"`opsla run --start {intake_date} --end {intake_date + ONE_DAY}` loads that date"
        )
    # difflib judges as people do but is slow: DuckDB picks the few that are worth judging.
    likely = rows_of(
        connection,
        "select case_id from staging.case_milestones "
        "order by jaro_winkler_similarity(case_id, $case_id) desc, case_id limit $count",
        case_id=case_id,
        count=_MATCHES_CONSIDERED,
    )
    matches = difflib.get_close_matches(case_id, [row["case_id"] for row in likely], n=_MATCHES_SHOWN)
    if not matches:
        matches = _of_the_same_number(connection, case_id)
    hint = f"; did you mean {', '.join(matches)}?" if matches else f"; ids here are like {likely[0]['case_id']}, and the page Cases of `opsla center` finds them by a part" if likely else ""
    raise OpslaError(
        f"there is no case {case_id!r} in the home {settings.home.root}{hint} "
        "(OPSLA_HOME names another home)"
    )


def _of_the_same_number(connection: duckdb.DuckDBPyConnection, case_id: str) -> list[str]:
    """Cases whose ids have the last number of this one: `ESC-500` may be `EO-0500`."""
    numbers = re.findall(r"\d+", case_id)
    if not numbers:
        return []
    found = rows_of(
        connection,
        "select case_id from staging.case_milestones where regexp_extract(case_id, '([0-9]+)[^0-9]*$', 1) <> '' "
        "and ltrim(regexp_extract(case_id, '([0-9]+)[^0-9]*$', 1), '0') = ltrim($number, '0') order by length(case_id), case_id limit $count",
        number=numbers[-1],
        count=_MATCHES_SHOWN,
    )
    return [row["case_id"] for row in found]


def _last_look(connection: duckdb.DuckDBPyConnection, case: Row) -> datetime | None:
    """When the case's intake date was last looked at, as mart.open_clocks has it; None before the first whole load."""
    looks = rows_of(
        connection,
        "select as_of_at from ops.partition_as_of where source = $source and intake_date = $intake_date",
        source=case["source"],
        intake_date=case["intake_date"],
    )
    return looks[0]["as_of_at"] if looks else None


def _rejected(connection: duckdb.DuckDBPyConnection, case_id: str, sources: Sequence[str] | None = None) -> tuple[Rejected, ...]:
    """Of every source, where none is named; of every record_date, as that may be another one than the case's intake date. In the order of the sources' files."""
    if not has_table(connection, "raw.rejected_rows"):
        return ()
    return tuple(
        Rejected(**row)
        for row in rows_of(
            connection,
            "select file, row_number, field, reason, record from raw.rejected_rows "
            "where case_id = $case_id and ($sources is null or source in (select unnest($sources))) order by source, file, row_number, field, reason",
            sources=None if sources is None else list(sources),
            case_id=case_id,
        )
    )


def _verdicts(connection: duckdb.DuckDBPyConnection, case: Row, policies: SlaPoliciesSettings) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(
            metric=row["metric"],
            title=metric_title(policies, row["metric"]),
            cycle=row["cycle"] or 1,
            policy=row["policy"],
            is_breached=row["source_is_breached"],
            breached_at=row["source_breached_ts"],
            elapsed_seconds=row["source_elapsed_seconds"],
            comparison=row["comparison"],
        )
        for row in of_case(connection, "staging.source_clock_comparison", case, "metric, cycle, verdict_id")
    )


def _is_of(span: Row, clock: Row) -> bool:
    return all(span[name] == clock[name] for name in ("policy", "metric", "cycle"))
