"""Risk: what will probably break, and whether such probabilities can be trusted.

Belongs here: this one section, and the words that the command centre shares. Does not belong here: how a probability is made (risk_model/).
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import Section, Table

#: From which probability on a clock is called likely to break.
LIKELY_PCT = 50.0
#: What a probability rests on, in words.
SOURCES = {"model": "model", "baseline": "counted share", "certain": "past its target", "unknown": "unknown"}
_SHOWN = 12

#: A clock may run on after the end of its case; the backlog is of open cases, and so is every figure of it.
_OF_OPEN_CASES = "case_id in (select case_id from mart.backlog_now)"
_OPEN = f"""
    select
        predicted_at, case_id, metric, 100 * breach_probability as breach_pct, probability_source, remaining_p50_business_minutes,
        concat_ws('; ', reason_1, reason_2, reason_3) as why
    from mart.open_case_risk
    where probability_source in ('model', 'baseline') and {_OF_OPEN_CASES}
    order by breach_probability desc, case_id, metric, policy, cycle
    limit {_SHOWN}
"""
_SUMS = f"""
    select
        count(*) filter (where probability_source in ('model', 'baseline')) as clocks,
        count(*) filter (where probability_source in ('model', 'baseline') and 100 * breach_probability >= {LIKELY_PCT}) as likely_clocks,
        sum(breach_probability) filter (where probability_source in ('model', 'baseline')) as expected_clocks
    from mart.open_case_risk
    where {_OF_OPEN_CASES}
"""
_UNKNOWN = f"""
    select reason_1, count(*) as clocks
    from mart.open_case_risk
    where probability_source = 'unknown' and {_OF_OPEN_CASES}
    group by reason_1
"""
_CARDS = "select metric, served, served_reason from mart.risk_model_card order by metric"


def verdict(card: Row) -> str:
    """What serves and why, from a row of mart.risk_model_card."""
    served = {"model": "the model", "baseline": "the counted share by target used", "unknown": "nothing"}[card["served"]]
    return f"{served}: {card['served_reason']}"


def why_unknown(clocks_by_reason: Mapping[str, int]) -> str:
    """Why clocks have no probability: the reason, or each with its clocks where there are several, that of most first."""
    if len(clocks_by_reason) == 1:
        return next(iter(clocks_by_reason))
    by_clocks = sorted(clocks_by_reason.items(), key=lambda told: (-told[1], told[0]))
    return "; ".join(f"{reason} ({wording.counted(clocks, 'clock')})" for reason, clocks in by_clocks)


def risk(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """The clocks that will most probably break, or why nobody can say; None where no clock runs within its target."""
    [sums] = rows(connection, _SUMS, "mart.open_case_risk") or [{"clocks": 0}]
    unknown = {row["reason_1"]: row["clocks"] for row in rows(connection, _UNKNOWN, "mart.open_case_risk")}
    if not sums["clocks"]:
        return _unknown(unknown) if unknown else None
    found = rows(connection, _OPEN, "mart.open_case_risk")
    titles = headline.titles()
    cards = rows(connection, _CARDS, "mart.risk_model_card")
    return Section(
        key="risk",
        title="What will probably break",
        tables=("mart.open_case_risk", "mart.risk_model_card"),
        finding=(
            f"{wording.counted(sums['likely_clocks'], 'open clock')} of {wording.count(sums['clocks'])} within their target will break with a probability of 50 % or more at "
            f"{wording.instant(found[0]['predicted_at'])}; over all of them, {wording.decimal(sums['expected_clocks'])} breaches are expected."
            + (f" Of {wording.counted(sum(unknown.values()), 'more open clock', 'more open clocks')} no probability can be told: {why_unknown(unknown)}." if unknown else "")
        ),
        how_to_read="The clocks with the highest probabilities, each with its strongest reasons. All of them, and how such predictions came out: the page Risk of the command centre.",
        definition=(
            "Probability that a clock will have run beyond its target when it stops, by what was known at the instant. "
            + " ".join(f"{titles.get(card['metric']) or wording.name(card['metric'])}: {verdict(card)}." for card in cards)
        ),
        table=Table(
            head=("Case", "Why", "Clock", "Breaks with", "Left, about"),
            rows=[
                (
                    row["case_id"], row["why"], titles.get(row["metric"]) or wording.name(row["metric"]), wording.percent(row["breach_pct"], 0),
                    wording.time_taken(row["remaining_p50_business_minutes"]) if row["remaining_p50_business_minutes"] is not None else wording.MISSING,
                )
                for row in found
            ],
            names=3,
        ),
    )  # fmt: skip


def _unknown(clocks_by_reason: Mapping[str, int]) -> Section:
    return Section(
        key="risk",
        title="What will probably break",
        tables=("mart.open_case_risk",),
        finding=f"Cannot be said of {wording.counted(sum(clocks_by_reason.values()), 'open clock')}: {why_unknown(clocks_by_reason)}.",
        definition="A probability is given once 30 clocks of a promise have stopped with a verdict; from 300 on a model is tried, and serves where it does better than what is simply counted.",
    )
