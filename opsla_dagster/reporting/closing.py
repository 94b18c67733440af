"""What `opsla run` answers, and its closing table.

Belongs here: the headline and the run summary as something rich can print. Does not belong here: measuring, and printing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.run_summary import (
    Headline,
    OpenCases,
    OpenClocks,
    PromiseFigures,
    RunSummary,
    ScenarioFigures,
)
from opsla_dagster.terminal import ruled_table

#: Failed checks named in the table; the report has all of them.
MOST_FAILED = 5
#: Promises told one by one; where there are more, those of a metric are told together. The report has all of them.
MOST_PROMISES = 12


def promises_table(headline: Headline, command: str) -> RenderableType:
    """Which promises were kept, while the `command` still makes the other tables."""
    return Group(Text.assemble((f"\n{command}: ", "bold"), "which promises were kept", ("  everything else is being made", "dim")), *_tables(headline))


def headline_table(summary: RunSummary, program: str, *, promises_too: bool = True) -> RenderableType:
    """What a person wants to know at the end of a run: SLAs, bottleneck, scenarios, checks, rows, where to look next.

    `program` is how the reader calls opsla, so that what is proposed can be typed. Without `promises_too` the reader has seen `promises_table`.
    """
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, text in _facts(summary, program):
        facts.add_row(Text(name), text)
    parts: list[RenderableType] = [_title(summary)]
    if summary.headline is not None and promises_too:
        parts += [*_tables(summary.headline), Text()]
    return Group(*parts, facts)


def _title(summary: RunSummary) -> Text:
    outcome = ("done", "bold green") if summary.succeeded else ("failed", "bold red")
    window = f"  intake {wording.intake_dates(summary)}"
    return Text.assemble((f"\n{summary.command}: ", "bold"), outcome, (window, "dim"))


def _tables(headline: Headline) -> Iterator[RenderableType]:
    if headline.promises:
        yield heading(wording.EVERY_CLOCK, wording.ATTAINMENT)
        yield promise_table(_promises_shown(headline), names_policy=headline.has_several_policies())
        for note in wording.promise_notes(headline):
            yield Text(f" {note}", "dim")
    if wording.headline_rows(headline):
        yield heading(wording.headline_population(headline), wording.headline_population_note(headline))
        yield _times(headline)


def heading(population: str, meaning: str) -> Text:
    """What a table is of: nobody should have to guess whether two of them are of the same."""
    return Text.assemble((f"\n {population}. ", "bold"), (meaning, "dim"))


def promise_table(promises: Sequence[PromiseFigures], *, names_policy: bool) -> Table:
    """Every clock of each promise by outcome, the same wherever a terminal shows it."""
    table = figures_table("Promise", "attainment", "met", "breached", "of these\nopen", "running", "unknown")
    for promise in promises:
        table.add_row(
            Text(wording.promise_name(promise, names_policy=names_policy)),
            Text(wording.percent(promise.kept_pct), "bold"),
            wording.count(promise.met_clocks),
            wording.count(promise.all_breached_clocks),
            wording.count(promise.open_breached_clocks),
            wording.count(promise.running_clocks),
            wording.count(promise.unknown_clocks),
        )
    return table


def _promises_shown(headline: Headline) -> Sequence[PromiseFigures]:
    return headline.promises if len(headline.promises) <= MOST_PROMISES else headline.by_metric()


def figures_table(*names: str) -> Table:
    """A table of a name, which breaks, and of figures, which do not; what a figure is of stands in a line of its own."""
    table = ruled_table()
    table.add_column(names[0], min_width=16)
    for name in names[1:]:
        table.add_column(name.replace(" of ", " of\n"), justify="right", no_wrap=True)
    return table


def _times(headline: Headline) -> Table:
    table = figures_table("Promise", *wording.headline_heads(headline))
    for name, figures in wording.headline_rows(headline):
        table.add_row(Text(name), *figures)
    return table


def _facts(summary: RunSummary, program: str) -> Iterator[tuple[str, RenderableType]]:
    if summary.headline is not None:
        yield from _headline(summary.headline)
    yield "Known", Text(_known(summary))
    if summary.headline is not None and summary.headline.unloaded:
        yield "Not loaded", Text(summary.headline.unloaded, "yellow")
    for number, missing in enumerate(summary.left_out):
        yield "" if number else "Left out", Text(missing, "yellow")
    failed = summary.failed_checks
    yield "Checks", Text.assemble(
        f"{wording.count(len(summary.passed_checks))} passed, ",
        (f"{wording.count(len(failed))} failed", "bold red" if failed else ""),
    )
    for check in failed[:MOST_FAILED]:
        figures = wording.check_figures(check)
        yield "", Text(f"{check.severity} {check.asset} {check.check}{': ' if figures else ''}{figures}", "red")
        if check.description:
            yield "", Text(check.description, "dim")
    if len(failed) > MOST_FAILED:
        yield "", Text(f"and {len(failed) - MOST_FAILED} more", "red")
    written = sum(table.rows for table in summary.tables)
    tables = wording.counted(len(summary.tables), "table")
    yield "Written", Text(f"{wording.counted(written, 'row')} in {tables}, {wording.decimal(summary.seconds)} seconds")
    for number, artifact in enumerate(summary.artifacts):
        yield "" if number else "Look next", Text(artifact, "cyan")
    if summary.headline is not None:
        yield "", Text.assemble((f"{program} explain CASE_ID", "cyan"), "  one case, event by event")
        yield "", Text.assemble((f"{program} ownership CASE_ID", "cyan"), "  who held it, and for how long")
        yield "", Text.assemble((f"{program} next", "cyan"), "  which ticket is next in each queue")
        if summary.headline.has_objectives:  # without one there is nothing that heads are to keep
            yield "", Text.assemble((f"{program} staffing", "cyan"), "  how many heads keep a promise")
        yield "", Text.assemble((f"{program} center", "cyan"), "  all of it in the browser")
    yield "", Text.assemble((f"{program} dev", "cyan"), "  the Dagster UI")


#: Why what stands for now is earlier than the look (mart.desk_now), and what would move it.
_WHY_EARLIER = {
    "end of the last intake date loaded": ", the end of the last intake date loaded (--end loads later ones)",
    "the log ended": ": the log has ended, nothing came in during the week after that",
}


def _known(summary: RunSummary) -> str:
    """As of which instants the figures are: promises of the look at the sources, what is open of what stands for now."""
    cases = summary.headline.open_cases if summary.headline is not None else None
    look = f"what the sources told by {wording.instant(summary.as_of_at)}"
    if cases is None or cases.now_at == summary.as_of_at:
        return look
    why = _WHY_EARLIER.get(cases.now_reason, "")
    return f"{look}. Promises are judged as of then; open cases, backlog and forecasts as of {wording.instant(cases.now_at)}{why}"


def _headline(headline: Headline) -> Iterator[tuple[str, RenderableType]]:
    events = ""
    if headline.events is not None and headline.events_per_case is not None:
        events = f"; {wording.count(headline.events)} events, {wording.decimal(headline.events_per_case, 2)} a case"
    judged = f", {wording.count(headline.sla_cases)} both touched and resolved" if headline.slas and headline.sla_cases else ""
    yield "Cases", Text(f"{wording.count(headline.cases)}{judged}{events}")
    yield from _drivers(headline)
    if headline.open_cases is not None:
        yield "Open cases", Text(_open_cases(headline, headline.open_cases))
    # Where cases are open, no open clock is no news: the calendars or the log ended before the run looked.
    if headline.open_clocks is not None and (headline.open_clocks.running or headline.open_cases is None):
        yield "Open clocks", Text(_open_clocks(headline, headline.open_clocks))


def _open_cases(headline: Headline, cases: OpenCases) -> str:
    return f"{wording.count(cases.open_cases)}, {wording.count(cases.breached_open_cases)} of them past due, at {wording.instant(cases.now_at)} ({cases.now_reason}): opsla backlog"


def _open_clocks(headline: Headline, clocks: OpenClocks) -> str:
    when = wording.instant(headline.as_of_at)
    if not clocks.running:
        return f"none as of {when}"
    many = f"{wording.count(clocks.running)} as of {when}, {wording.count(clocks.past_target)} of them breached already"
    return f"{many}. {wording.long_ago(headline.as_of_at, headline.last_event_at)}".strip()


def _drivers(headline: Headline) -> Iterator[tuple[str, RenderableType]]:
    if headline.bottleneck is not None:
        slowest = headline.bottleneck
        tier = f"{wording.tier(slowest.tier)} " if wording.is_named(slowest.tier) else ""
        longest = wording.business_time(slowest.p95, headline.business_day_minutes)
        yield "Bottleneck", Text(f"{tier}{wording.stage(slowest.stage)}: p95 {longest} of open time, {wording.counted(slowest.cases, 'case')}")
    for row in headline.telling_scenarios():
        yield wording.scenario(row.scenario), Text(_saved(row, headline))


def _saved(row: ScenarioFigures, headline: Headline) -> str:
    hours = f"{wording.hours_saved(row.hours_saved, headline)} saved"
    if row.breaches_avoided:
        return f"{wording.counted(row.breaches_avoided, 'breach', 'breaches')} avoided, {hours}"
    why = "; a reopen comes after the first resolution, which is what the promise judges" if row.rework_measure else ""
    return f"{hours}, no breach avoided{why}"
