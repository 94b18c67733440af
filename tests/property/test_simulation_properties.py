"""What the simulation promises for any seed, any range and any instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.simulation import SimulationSettings
from opsla_dagster.sources.simulation import SimulationSource
from opsla_dagster.window import Window

DOCUMENT = read_document(Path(__file__).parents[2] / "config" / "simulation.yml", SimulationSettings)
FOREVER = datetime(2035, 1, 1)

seeds = st.integers(0, 2**63 - 1)
dates = st.dates(date(2025, 6, 25), date(2026, 4, 1))
windows = st.builds(lambda start, days: Window(start, start + timedelta(days=days)), dates, st.integers(1, 40))
instants = st.datetimes(datetime(2025, 6, 25), datetime(2026, 6, 1))
zones = st.sampled_from(["America/New_York", "Asia/Kathmandu", "Australia/Sydney", "UTC", "Pacific/Apia"])


def source_of(seed: int, zone: str = "America/New_York", cases: int = 2_000) -> SimulationSource:
    return SimulationSource("simulation", DOCUMENT.model_copy(update={"seed": seed}), zone, cases)


@settings(max_examples=examples(40), deadline=None)
@given(seed=seeds, window=windows, days=st.integers(1, 9), as_of=instants, zone=zones)
def test_any_split_of_a_range_draws_the_same_rows(
    seed: int, window: Window, days: int, as_of: datetime, zone: str
) -> None:
    whole = source_of(seed, zone)
    parts = [(source_of(seed, zone).events(part, as_of), source_of(seed, zone).cases(part, as_of))
             for part in reversed(list(window.split(days)))]  # fmt: skip
    assert pa.concat_tables(events for events, _ in reversed(parts)).equals(whole.events(window, as_of))
    assert pa.concat_tables(cases for _, cases in reversed(parts)).equals(whole.cases(window, as_of))


@settings(max_examples=examples(40), deadline=None)
@given(seed=seeds, window=windows, as_of=instants, hours=st.integers(0, 2_000))
def test_what_is_visible_only_grows(seed: int, window: Window, as_of: datetime, hours: int) -> None:
    source = source_of(seed)
    later = source.events(window, as_of + timedelta(hours=hours))
    earlier = source.events(window, as_of)
    still_there = later.filter(pc.is_in(later["event_id"], value_set=earlier["event_id"].combine_chunks()))
    assert still_there.equals(earlier)


@settings(max_examples=examples(40), deadline=None)
@given(seed=seeds, window=windows, as_of=instants)
def test_states_tell_exactly_the_rows_of_a_date(seed: int, window: Window, as_of: datetime) -> None:
    source = source_of(seed)
    states = source.partition_states(window, as_of)
    for table, column in ((source.cases(window, as_of), "cases"), (source.events(window, as_of), "events")):
        counted = {row["values"]: row["counts"] for row in table["intake_date"].value_counts().to_pylist()}
        told = dict(zip(states["intake_date"].to_pylist(), states[column].to_pylist(), strict=True))
        assert {day: rows for day, rows in told.items() if rows} == counted


@settings(max_examples=examples(40), deadline=None)
@given(seed=seeds, window=windows, zone=zones)
def test_every_row_lies_within_the_promised_bounds(seed: int, window: Window, zone: str) -> None:
    source = source_of(seed, zone)
    for row in source.cases(window, FOREVER).to_pylist():
        assert row["intake_ts"].replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() == row["intake_date"]
    for row in source.events(window, FOREVER).to_pylist():
        ingested = row["ingestion_ts"].replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
        assert ingested - row["intake_date"] < timedelta(days=source.settles_after_days)


@settings(max_examples=examples(60), deadline=None)
@given(cases=st.integers(0, 5_000), days=st.integers(3, 200), start=dates)
def test_the_total_is_exact_at_any_scale(cases: int, days: int, start: date) -> None:
    document = DOCUMENT.model_copy(update={"start": start, "days": days})
    source = SimulationSource("simulation", document, "America/New_York", cases)
    assert source.cases(source.window(), FOREVER).num_rows == cases
