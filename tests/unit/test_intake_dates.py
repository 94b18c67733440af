"""The partitions of the tables: the same dates, in the same order, that Dagster would list itself."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.partitions.subset.time_window import TimeWindowPartitionsSubset

from opsla_dagster.automation.schedule import IntakeDates

#: Both changes of the clock, midnights that do not exist (Santiago) and a date that was left out (Apia, 30 December 2011).
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"]
INSTANTS = [datetime(2011, 12, 1, tzinfo=UTC), datetime(2011, 12, 1, 23, 59, tzinfo=UTC), datetime(2011, 12, 31, 11, 30, tzinfo=UTC), datetime(2013, 9, 9, 3, 59, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ZONES)
def test_dates_are_those_that_dagster_lists(zone: str) -> None:
    ours, stock = (made(start_date="2011-12-01", timezone=zone) for made in (IntakeDates, dg.DailyPartitionsDefinition))
    for at in INSTANTS:
        assert ours.get_partition_keys(at) == stock.get_partition_keys(at), at
    assert len(stock.get_partition_keys(INSTANTS[-1])) > 640


def test_none_before_the_first_date_has_ended() -> None:
    partitions = IntakeDates(start_date="2025-07-01", timezone="America/New_York")
    assert partitions.get_partition_keys(datetime(2025, 7, 2, 3, 59, tzinfo=UTC)) == []
    assert partitions.get_partition_keys(datetime(2025, 7, 2, 4, 0, tzinfo=UTC)) == ["2025-07-01"]


def test_a_subset_of_them_survives_being_written_down() -> None:
    partitions = IntakeDates(start_date="2025-07-01", timezone="America/New_York")
    subset = partitions.subset_with_partition_keys(["2025-07-02", "2025-07-03"])
    assert isinstance(subset, TimeWindowPartitionsSubset)
    read = dg.deserialize_value(dg.serialize_value(subset.to_serializable_subset()), TimeWindowPartitionsSubset)
    assert set(read.get_partition_keys()) == {"2025-07-02", "2025-07-03"}
