"""The random campaign: opsla's own engine against the oracle, until enough clocks have been compared.

    python -m conformance.campaign --clocks 100000 --seed 1

Belongs here: drawing, judging twice, comparing, and telling the figures. Does not belong here: any rule.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from conformance.compare import Comparison, report
from conformance.documents import Clock, Document, DocumentError, as_expected, dump_document, read_documents
from conformance.engine import Engine
from conformance.generator import at_the_edge, draw_document
from conformance.oracle import judge
from conformance.shrink import shrink

CASES_A_DOCUMENT = 400


@dataclass
class Campaign:
    """What has been compared so far, and how long each side took, in seconds."""

    comparison: Comparison = field(default_factory=Comparison)
    documents: int = 0
    cases: int = 0
    oracle_clocks: int = 0
    oracle_seconds: float = 0.0
    engine_seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    #: Clocks exactly at their target.
    at_target: int = 0
    #: The first document with a difference.
    failed: Document | None = None


def run(clocks: int, seed: int, cases: int = CASES_A_DOCUMENT) -> Campaign:
    """Draws documents from `seed` on until at least `clocks` clocks have been compared; each once more with targets at the edge."""
    engine, campaign = Engine(), Campaign()
    while campaign.comparison.clocks < clocks:
        document = draw_document(seed + campaign.documents // 2, cases)
        expected = _both(campaign, engine, document)
        elapsed: dict[tuple[str, str], list[int]] = {}
        for clock in expected:
            if clock.elapsed_seconds is not None:
                elapsed.setdefault((clock.policy, clock.metric), []).append(clock.elapsed_seconds)
        _both(campaign, engine, at_the_edge(document, elapsed, seed))
    return campaign


def _both(campaign: Campaign, engine: Engine, document: Document) -> list[Clock]:
    """Asks both sides about one document, and returns the oracle's answer."""
    started = perf_counter()
    expected = judge(document)
    judged = perf_counter()
    found = engine.clocks(document)
    campaign.engine_seconds += perf_counter() - judged
    campaign.oracle_seconds += judged - started
    campaign.oracle_clocks += len(expected)
    campaign.documents += 1
    campaign.cases += len(document.known_cases())
    campaign.outcomes.update(_outcome(clock) for clock in expected)
    campaign.at_target += sum(clock.elapsed_seconds == clock.target_seconds for clock in expected)
    before = len(campaign.comparison.differences)
    compare(campaign.comparison, document, expected, found)
    if campaign.failed is None and len(campaign.comparison.differences) > before:
        campaign.failed = document
    return expected


def compare(comparison: Comparison, document: Document, expected: Sequence[Clock], found: Sequence[Clock]) -> None:
    """Adds the clocks of one document to `comparison`."""
    comparison.add(document, [as_expected(clock) for clock in expected], {clock.key: as_expected(clock) for clock in found})


def smallest(document: Document, case_id: str) -> str:
    """The smallest document in which the engine and the oracle still differ, as YAML with the oracle's clocks as expected."""
    engine = Engine()

    def differs(candidate: Document) -> bool:
        comparison = Comparison()
        try:
            expected = judge(candidate)
        except DocumentError:  # it left out a calendar that something counts on
            return False
        compare(comparison, candidate, expected, engine.clocks(candidate))
        return bool(comparison.differences)

    found = shrink(document, case_id, differs)
    expected = tuple(as_expected(clock) for clock in judge(found))
    return dump_document(Document(**{**vars(found), "expected": expected}))


def _outcome(clock: Clock) -> str:
    outcome = f"{clock.outcome} ({clock.reason})" if clock.reason else clock.outcome
    return f"{outcome}, open" if clock.stopped_at is None and clock.outcome != "running" else outcome


def told(campaign: Campaign) -> str:
    """The figures for a reader."""
    lines = [
        f"{campaign.oracle_clocks:,} random clocks of {campaign.cases:,} cases in {campaign.documents} documents",
        f"oracle {campaign.oracle_clocks / campaign.oracle_seconds:,.0f} clocks a second, "
        f"engine {campaign.oracle_clocks / campaign.engine_seconds:,.0f}",
        *(f"  {count:>9,}  {outcome}" for outcome, count in campaign.outcomes.most_common()),
        f"  {campaign.at_target:>9,}  of these exactly at their target",
        "",
        report(campaign.comparison, []),
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The cases of the suite and a random campaign against opsla's engine; 0 when everything agrees."""
    parser = argparse.ArgumentParser(description="opsla's own engine against the hand-worked cases and against the oracle.")
    parser.add_argument("--clocks", type=int, default=100_000, help="how many random clocks to compare at least")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; the documents take the following ones")
    told_arguments = parser.parse_args(arguments)
    engine, worked = Engine(), Comparison()
    for document in read_documents():
        worked.add(document, document.expected, {clock.key: as_expected(clock) for clock in engine.clocks(document)})
    sys.stdout.write(f"Worked out by hand:\n{report(worked, [])}\n\nRandom:\n")
    campaign = run(told_arguments.clocks, told_arguments.seed)
    sys.stdout.write(told(campaign) + "\n")
    if campaign.failed is not None:
        case_id = next(row.key[0] for row in campaign.comparison.differences if row.document == campaign.failed.id)
        sys.stdout.write(f"\nThe first difference, as small as it gets:\n\n{smallest(campaign.failed, case_id)}")
    return 1 if worked.differences or campaign.comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
