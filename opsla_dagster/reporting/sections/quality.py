"""Data-quality gates: the verdicts of the run's checks.

Belongs here: this one section. Does not belong here: what it looks like (templates/quality.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.run_summary import CheckResult, RunSummary
from opsla_dagster.reporting.sections.common import Section, Table

#: Failed checks that the finding names; the list below it has all.
MOST_NAMED = 3


def quality(summary: RunSummary | None) -> Section | None:
    """Failed checks, passed gates, and every check's verdict in the table; None where no run's checks are at hand."""
    section = partial(Section, key="quality", title="Data-quality gates", tables=("the run’s asset checks",))
    if summary is None or not summary.checks:
        return None
    failed = sorted(summary.failed_checks, key=lambda check: (check.severity != "ERROR", check.asset, check.check))
    gates = [check for check in summary.passed_checks if "gate" in check.check]
    return section(
        finding=_finding(summary.checks, failed),
        how_to_read=(
            "Failed checks come first, with what they measured; then the gates that passed, the bar showing how much of the "
            "bound is used up; the table has every check. A failed ERROR stops what is downstream, a WARN only tells."
        ),
        definition="Passed and failed count the checks of this run, each over the partitions that the run wrote.",
        data={
            "failed": [_entry(check) for check in failed],
            "gates": [_gate(check) for check in sorted(gates, key=lambda check: (check.asset, check.check))],
        },
        table=_table(summary.checks),
    )


def _finding(checks: Sequence[CheckResult], failed: Sequence[CheckResult]) -> str:
    if not failed:
        return f"All {wording.counted(len(checks), 'check')} passed." if len(checks) > 1 else "The one check passed."
    errors = sum(check.severity == "ERROR" for check in failed)
    named = [f"{wording.check_name(check)} on {check.asset}" for check in failed[:MOST_NAMED]]
    named += [f"{len(failed) - MOST_NAMED} more"] if len(failed) > MOST_NAMED else []
    return (
        f"{wording.count(len(failed))} of {wording.counted(len(checks), 'check')} failed "
        f"({wording.count(errors)} with severity ERROR): {wording.listed(named)}."
    )


def _entry(check: CheckResult) -> Mapping[str, Any]:
    return {
        "asset": check.asset,
        "check": wording.check_name(check),
        "verdict": "passed" if check.passed else f"failed ({check.severity})",
        "css": "passed" if check.passed else check.severity.lower(),
        "figures": wording.check_figures(check),
        "description": check.description,
    }


def _gate(check: CheckResult) -> Mapping[str, Any]:
    """A passed gate: its rate, the bound of a warning, and how much of an upper bound is used up, in %."""
    unit = wording.gate_unit(check)
    rate, above, below = (_number(check, figure) for figure in ("rate", "warn_above", "warn_below"))
    bound = f"warns above {wording.decimal(above, 0)}{wording.unit_after(above, unit)}" if above is not None else ""
    bound = f"warns below {wording.decimal(below, 0)}{wording.unit_after(below, unit)}" if below is not None else bound
    return {
        "asset": check.asset,
        "check": wording.check_name(check),
        "rate": "not known to the source" if rate is None else f"{wording.decimal(rate, 2 if unit == '%' or rate % 1 else 0)}{unit}",
        "bound": bound,
        "used": round(min(100.0, 100 * rate / above), 1) if rate is not None and above else None,
    }


def _number(check: CheckResult, figure: str) -> float | None:
    value = check.figures.get(figure)
    return float(value) if isinstance(value, int | float) else None


def _table(checks: Sequence[CheckResult]) -> Table:
    entries = [_entry(check) for check in sorted(checks, key=lambda check: (check.passed, check.asset, check.check))]
    columns = ("asset", "check", "verdict", "figures")
    return Table(
        head=[column.capitalize() for column in columns],
        rows=[[entry[column] for column in columns] for entry in entries],
        names=len(columns),
    )
