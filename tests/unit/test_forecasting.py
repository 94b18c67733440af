"""The arithmetic of forecasts: models against a library, origins that know nothing of their future, the choice, intervals, simulated futures."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsla_dagster.forecasting.backtest import (
    AS_SERVED,
    DAYS,
    HORIZON,
    Backtest,
    Series,
    all_origins,
    backtest,
    forecasts,
    known_at,
)
from opsla_dagster.forecasting.clear_rows import clear_figures, clear_words, goals, unclear, work_of
from opsla_dagster.forecasting.clearing import DAYS_AHEAD, Change, Day, Reached, Work, net_cases_per_week, reached
from opsla_dagster.forecasting.history import LOOK_BACK, Arrivals, Calendar, series_of, unsayable
from opsla_dagster.forecasting.models import (
    HOLIDAY_PRIOR_CASES,
    LEVEL_PRIOR_CASES,
    MODELS,
    Histories,
    poisson_regression,
    seasonal_naive,
    weekday_mean,
)

#: A Monday.
TODAY = date(2026, 3, 2)
WEEKDAYS = Calendar({TODAY + timedelta(days=offset) for offset in range(-900, 30) if (TODAY + timedelta(days=offset)).weekday() < 5}, set())


def series(cases: np.ndarray, *, late: list[tuple[int, int, int, int]] | None = None, is_holiday: np.ndarray | None = None) -> Series:
    """Series that end yesterday; the first element is a Monday, and weekends are closed."""
    cases = np.atleast_2d(np.asarray(cases, dtype=np.float64))
    days = cases.shape[1] + HORIZON
    return Series(
        cases, np.array(late or [], dtype=np.int64).reshape(-1, 4), np.ones(cases.shape, dtype=np.bool_),
        np.zeros(days, dtype=np.bool_) if is_holiday is None else is_holiday, np.arange(days) % 7 < 5,
    )  # fmt: skip


def desk(days: int = 420, seed: int = 1, per_day: float = 40.0) -> np.ndarray:
    """A desk with a weekly shape, by chance alone."""
    return np.random.default_rng(seed).poisson(per_day * np.array([1.3, 1.1, 1.0, 0.9, 0.8, 0.1, 0.1])[np.arange(days) % 7])


def histories(cases: np.ndarray, *, seen: np.ndarray | None = None, is_holiday: np.ndarray | None = None, ahead: np.ndarray | None = None) -> Histories:
    observed = np.ones(cases.shape, dtype=np.bool_) if seen is None else seen
    none = np.zeros(cases.shape, dtype=np.bool_)
    return Histories(np.where(observed, cases, 0.0), observed, none if is_holiday is None else is_holiday, np.zeros((len(cases), HORIZON), dtype=np.bool_) if ahead is None else ahead)


# ---- models ------------------------------------------------------------------------------------------------------------


def test_seasonal_naive_takes_the_latest_observed_day_of_the_weekday() -> None:
    cases = np.tile(np.arange(DAYS, dtype=np.float64), (1, 1))
    seen = np.ones((1, DAYS), dtype=np.bool_)
    seen[0, -7] = False  # the last day with the weekday of the first one ahead
    told = seasonal_naive(histories(cases, seen=seen))[0]
    assert told[0] == DAYS - 14
    assert told[1] == DAYS - 6
    assert told[7] == told[0]


def test_last_week_was_a_holiday() -> None:
    """Good Friday is no Friday: neither the naive forecast nor the mean copies it, and the next holiday is as it was."""
    cases = np.tile(np.array([50.0, 40, 40, 40, 30, 5, 5]), (1, DAYS // 7))
    is_holiday, ahead = np.zeros(cases.shape, dtype=np.bool_), np.zeros((1, HORIZON), dtype=np.bool_)
    is_holiday[0, -3], cases[0, -3] = True, 2.0  # the last Friday
    is_holiday[0, -30], cases[0, -30] = True, 7.0
    ahead[0, 7] = True  # the second Monday ahead
    naive, mean = (model(histories(cases, is_holiday=is_holiday, ahead=ahead))[0] for model in (seasonal_naive, weekday_mean))
    assert naive.tolist() == [50, 40, 40, 40, 30, 5, 5, 2, 40, 40, 40, 30, 5, 5]
    assert mean.tolist() == [50, 40, 40, 40, 30, 5, 5, 4.5, 40, 40, 40, 30, 5, 5]
    assert seasonal_naive(histories(cases, ahead=ahead))[0, 7] == 50, "no holiday before this one: as its weekday"
    is_holiday[0, -3::-7] = True
    assert weekday_mean(histories(cases, is_holiday=is_holiday))[0, 4] == pytest.approx((2 + 7 * 30) / 8), "of a weekday with holidays alone these count"


def test_weekday_mean_is_over_the_observed_days_of_eight_weeks() -> None:
    cases = np.zeros((1, DAYS))
    cases[0, -7], cases[0, -14], cases[0, -63] = 6, 3, 99
    seen = np.ones((1, DAYS), dtype=np.bool_)
    seen[0, -21] = False
    assert weekday_mean(histories(cases, seen=seen))[0, 0] == pytest.approx(9 / 7)


def test_a_weekday_that_nobody_saw_has_no_forecast() -> None:
    seen = np.ones((1, DAYS), dtype=np.bool_)
    seen[0, ::7] = False
    cases = np.ones((1, DAYS))
    for model in MODELS.values():
        told = model(histories(cases, seen=seen))
        assert np.isnan(told[0, [0, 7]]).all()
        assert not np.isnan(told[0, 1:7]).any()


def test_poisson_regression_is_that_of_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs opsla[predict]")
    numbers = np.random.default_rng(3)
    is_holiday = numbers.random((3, DAYS)) < 0.03
    shape = np.array([1.3, 1.1, 1.0, 0.9, 0.8, 0.2, 0.1])[np.arange(DAYS) % 7] * np.where(is_holiday, 0.3, 1.0)
    cases = numbers.poisson(shape * np.array([[2.0], [40.0], [300.0]])).astype(np.float64)
    ahead = np.zeros((3, HORIZON), dtype=np.bool_)
    ahead[:, 3] = True
    told = poisson_regression(histories(cases, is_holiday=is_holiday, ahead=ahead))
    for row in range(3):
        levels = np.array([level_before(cases[row], is_holiday[row], day) for day in range(DAYS + 1)])
        used = np.flatnonzero(~np.isnan(levels[:-1]))
        exposure = np.concatenate([levels[used], [HOLIDAY_PRIOR_CASES]])
        design = np.zeros((len(used) + 1, 8))
        design[np.arange(len(used)), used % 7] = 1
        design[:-1, 7] = is_holiday[row, used]
        design[-1, 7] = 1  # the prior: one case where one was to be expected
        counts = np.concatenate([cases[row, used], [HOLIDAY_PRIOR_CASES]])
        fitted = linear_model.PoissonRegressor(alpha=0, fit_intercept=False, solver="newton-cholesky", tol=1e-10).fit(design, counts / exposure, sample_weight=exposure)
        asked = np.zeros((HORIZON, 8))
        asked[np.arange(HORIZON), np.arange(HORIZON) % 7] = 1
        asked[3, 7] = 1
        assert told[row] == pytest.approx(fitted.predict(asked) * levels[-1], rel=1e-6)


def level_before(cases: np.ndarray, is_holiday: np.ndarray, day: int) -> float:
    """Cases a day over the 28 days before `day`: of each weekday the mean of the days that are no holiday, and of these the mean."""
    by_weekday: dict[int, list[float]] = {}
    for past in range(max(day - 28, 0), day):
        if not is_holiday[past]:
            by_weekday.setdefault(past % 7, []).append(cases[past])
    days = sum(map(len, by_weekday.values()))
    return float(np.mean([np.mean(each) for each in by_weekday.values()])) + LEVEL_PRIOR_CASES / days if days >= 7 else float("nan")


@pytest.mark.parametrize("is_loaded", [True, False], ids=["a holiday", "a day that was not loaded"])
def test_one_quiet_day_does_not_lower_the_four_weeks_after_it(*, is_loaded: bool) -> None:
    cases = np.tile(np.array([300.0, 200, 200, 200, 100, 0, 0]), (1, DAYS // 7))
    usual = poisson_regression(histories(cases))
    is_quiet = np.zeros(cases.shape, dtype=np.bool_)
    is_quiet[0, [-7, -21, -140]] = True
    cases[is_quiet] = 0
    told = poisson_regression(histories(cases, is_holiday=is_quiet) if is_loaded else histories(cases, seen=~is_quiet))
    assert told == pytest.approx(usual, rel=1e-3)


# ---- origins -----------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_an_origin_knows_what_was_known_then(seed: int) -> None:
    numbers = np.random.default_rng(seed)
    arrivals = [(int(day), int(day + max(lag, 0)), int(many)) for day, lag, many in zip(numbers.integers(0, 90, 60), numbers.integers(-3, 12, 60), numbers.integers(1, 5, 60), strict=True)]
    known_today = [each for each in arrivals if each[1] < 90]
    cases = np.zeros((1, 90))
    for day, _, many in known_today:
        cases[0, day] += many
    found = series(cases, late=[(0, day, known, many) for day, known, many in known_today if known > day])
    origins = [30, 55, 90]
    told, _ = known_at(found, origins, 28)
    for place, origin in enumerate(origins):
        expected = np.zeros(28)
        for day, known, many in arrivals:
            if origin - 28 <= day < origin and known < origin:
                expected[day - origin + 28] += many
        assert told[0, place].tolist() == expected.tolist()


def test_rows_of_the_future_change_nothing_that_was_said() -> None:
    cases = desk()
    later = cases.copy()
    later[-30:] = np.random.default_rng(9).permutation(later[-30:]) * 7
    then, now = series(cases[:-30]), series(later, late=[(0, 380, 400, 3)])
    # What became known on day 400 was no part of what day 390 knew.
    said = forecasts(then, [390])
    with_late = cases[:-30].copy()
    with_late[380] -= 3
    assert np.array_equal(forecasts(series(with_late), [390]), forecasts(now, [390]))
    assert not np.array_equal(said, forecasts(now, [390]))


def test_a_backtest_says_of_a_past_origin_what_it_said_then() -> None:
    cases = np.stack([desk(420, 1), desk(420, 2, 3.0)])
    known = cases[:, :-28].copy()
    known[0, 385] -= 30  # of what came on that day 30 cases became known later, so that neither the model nor its errors could see them
    now, then = backtest(series(cases, late=[(0, 385, 400, 30)])), backtest(series(known))
    place = list(now.origins).index(420 - 28)
    for part, said in enumerate((then.today.expected, then.today.low, then.today.high)):
        assert np.array_equal(now.told[AS_SERVED][part][:, place], said)


def test_the_baseline_serves_unless_it_is_beaten_by_five_percent() -> None:
    by_chance, by_week = desk(), np.tile(np.array([50, 40, 30, 20, 10, 5, 1]), 60)
    found = backtest(series(np.stack([by_chance, by_week])))
    assert found.names[found.today.model[0]] != "seasonal naive"
    assert found.errors[found.today.model[0], 0] <= 0.95 * found.errors[0, 0]
    assert found.names[found.today.model[1]] == "seasonal naive"  # nothing is better than no error


def test_a_challenger_is_compared_at_the_origins_where_it_was_asked() -> None:
    told = series(desk())
    origins = all_origins(told)
    perfect = np.full((1, len(origins), HORIZON), np.nan)
    for place, origin in enumerate(origins):
        if (told.today - origin) % 7 == 0:
            ahead = told.cases[0, origin : origin + HORIZON]
            perfect[0, place] = ahead if len(ahead) == HORIZON else 1.0
    found = backtest(told, {"oracle": perfect})
    assert found.names[found.today.model[0]] == "oracle"
    assert found.errors[-1, 0] == 0
    silent = perfect.copy()
    silent[0, -1] = np.nan
    assert backtest(told, {"oracle": silent}).today.model[0] == 0, "who says nothing of today does not serve"
    few = np.where((np.array(origins) > told.today - 70)[None, :, None], perfect, np.nan)
    assert backtest(told, {"oracle": few}).today.model[0] != 3, "too few past origins to be trusted"


# ---- intervals ---------------------------------------------------------------------------------------------------------


def covered(found: Backtest) -> float:
    expected, low, high = found.told[AS_SERVED]
    is_known = ~np.isnan(expected) & ~np.isnan(found.actual) & ~np.isnan(low)
    return float(((low <= found.actual) & (found.actual <= high))[is_known].mean())


@pytest.mark.parametrize("per_day", [3.0, 40.0, 900.0])
def test_intervals_hold_on_four_days_of_five(per_day: float) -> None:
    found = backtest(series(np.stack([desk(420, seed, per_day) for seed in range(12)])))
    assert 0.75 <= covered(found) <= 0.87


@pytest.mark.parametrize(("first", "last"), [(2, 40), (40, 2)], ids=["calmer and calmer", "wilder and wilder"])
def test_intervals_follow_a_desk_that_changes(first: int, last: int) -> None:
    """Within half a year the spread of a busy day grows or shrinks fourfold: intervals of past errors lag behind, and not by much."""
    numbers, calm = np.random.default_rng(5), np.linspace(first, last, 180)
    levels = numbers.gamma(calm, 1 / calm, (12, 180))
    found = backtest(series(numbers.poisson(40 * np.array([1.3, 1.1, 1.0, 0.9, 0.8, 0.1, 0.1])[np.arange(180) % 7] * levels)))
    assert 0.73 <= covered(found) <= 0.83


def test_the_errors_of_yesterday_are_in_the_interval_of_today() -> None:
    cases = desk()
    wild = cases.copy()
    wild[-7:] *= 3
    calm, found = backtest(series(cases)), backtest(series(wild))
    model = calm.names.index("seasonal naive")
    for each in (calm, found):
        assert each.names[model] == "seasonal naive"
    # Expected is threefold, and so is the error of a week ago: wider than sqrt(3).
    ratio = (found.today.high - found.today.low)[0, :5] / (calm.today.high - calm.today.low)[0, :5]
    assert (ratio > 2).all()


def test_intervals_are_whole_cases_around_what_is_expected() -> None:
    found = backtest(series(np.stack([desk(420, 1), desk(420, 2, 0.2)])))
    for low, high in (found.today.low, found.today.high), found.totals[1:]:
        assert (low == np.floor(low)).all()
        assert (low <= high).all()
        assert (low >= 0).all()
    assert (np.diff(found.totals[1]) >= 0).all()
    assert (np.diff(found.totals[2]) >= 0).all()


def test_holidays_are_expected_to_be_quiet_once_one_was_seen() -> None:
    cases, is_holiday = desk(), np.zeros(420 + HORIZON, dtype=np.bool_)
    for day in (70, 140, 211, 282, 353):
        cases[day], is_holiday[day] = 2, True
    is_holiday[422] = True
    found = backtest(series(cases, is_holiday=is_holiday))
    assert found.names[found.today.model[0]] == "Poisson regression"
    assert found.today.expected[0, 2] < 0.2 * found.today.expected[0, 9]


# ---- what cannot be said -----------------------------------------------------------------------------------------------


def arrivals(name: str, days: list[int], cases: int = 1) -> list[Arrivals]:
    """So many cases on each of `days` before today."""
    return [Arrivals(name, TODAY - timedelta(days=back), TODAY - timedelta(days=back), cases) for back in days]


def told(rows: list[Arrivals], loaded_days: int = 300, gaps: range = range(0)) -> tuple[list[str | None], Backtest]:
    names = sorted({row.name for row in rows})
    firsts = {name: min(row.day for row in rows if row.name == name) for name in names}
    loaded = {TODAY - timedelta(days=back) for back in range(1, loaded_days + 1) if back not in gaps}
    found = series_of(rows, names, firsts, loaded, WEEKDAYS, TODAY)
    return unsayable(found, TODAY), backtest(found)


def test_a_new_queue_has_too_short_a_history() -> None:
    reasons, found = told(arrivals("new", list(range(1, 21))))
    assert reasons == ["too short a history: 20 days since its first case, 28 are needed"]
    assert np.isnan(found.today.expected).all()


def test_a_young_queue_has_a_forecast_and_no_interval() -> None:
    reasons, found = told(arrivals("young", list(range(1, 36)), 10))
    assert reasons == [None]
    assert found.today.expected[0].tolist() == [10.0] * HORIZON
    assert np.isnan(found.today.low).all()
    assert found.pooled_origins.tolist() == [0]


def test_a_queue_that_ended_or_was_renamed_has_none() -> None:
    reasons, _ = told([*arrivals("old", list(range(40, 300)), 4), *arrivals("weekly", list(range(36, 300, 7)))])
    assert reasons[0] == "no case since 2026-01-21, where 156 were to be expected: the queue seems to have ended, or has another name"
    assert reasons[1] is None, "five weeks without a case are no wonder where one comes a week"


def test_one_case_a_week_is_said_as_such() -> None:
    reasons, found = told(arrivals("weekly", list(range(3, 300, 7))))
    assert reasons == [None]
    assert found.totals[0][0, -1] == pytest.approx(2, abs=0.2)


def test_dates_that_were_not_loaded_are_gaps_and_not_quiet_days() -> None:
    reasons, found = told(arrivals("all", [back for back in range(1, 300) if back not in range(20, 35)], 10), gaps=range(20, 35))
    assert reasons == [None]
    assert found.today.expected[0] == pytest.approx(np.full(HORIZON, 10.0))
    reasons, _ = told(arrivals("all", [*range(1, 20), *range(60, 300)], 10), gaps=range(20, 60))
    assert reasons == ["too many gaps: of the last 56 days 19 are loaded, 28 are needed"]


def test_what_becomes_known_today_is_not_known_yet() -> None:
    rows = [*arrivals("all", list(range(1, 100)), 5), Arrivals("all", TODAY - timedelta(days=1), TODAY, 50)]
    found = series_of(rows, ["all"], {"all": TODAY - timedelta(days=99)}, {TODAY - timedelta(days=back) for back in range(1, 100)}, WEEKDAYS, TODAY)
    assert found.cases[0, -1] == 5


def test_a_holiday_on_a_weekend_is_a_weekend() -> None:
    saturday, wednesday = TODAY - timedelta(days=2), TODAY - timedelta(days=5)
    calendar = Calendar(set(WEEKDAYS.open_dates) - {wednesday}, {saturday, wednesday})
    is_holiday, is_open = calendar.flags(TODAY - timedelta(days=LOOK_BACK), LOOK_BACK)
    assert np.flatnonzero(is_holiday).tolist() == [LOOK_BACK - 5]
    assert not is_open[-5]


# ---- when a backlog is down --------------------------------------------------------------------------------------------


def work(open_cases: int = 100, comes: float = 10, done: float = 20, *, other: float = 0, spread: float = 0, band: float | None = 0) -> Work:
    """A desk that is open Monday to Friday from today on; `band`: half the interval of a day."""
    days = [
        Day(TODAY + timedelta(days=ahead), comes if ahead % 7 < 5 else 0.0, *(2 * [None] if band is None else [comes - band, comes + band]), ahead % 7 < 5, False)
        for ahead in range(HORIZON)
    ]
    total = 10 * comes
    return Work(open_cases, days, None if band is None else total - 3 * band, None if band is None else total + 3 * band, done, other, spread, 40)


def down_to(backlog: Work, targets: list[float], change: Change) -> list[Reached]:
    """Targets that can be reached."""
    found = [each for each in reached(backlog, targets, change) if each is not None]
    assert len(found) == len(targets)
    return found


def test_without_chance_it_is_arithmetic() -> None:
    [none, forty] = down_to(work(), [0, 40], Change())
    assert (none.p10, none.p50, none.p90) == (3 * (TODAY + timedelta(days=11),))
    assert none.p50_open_days == 10, "100 cases, 10 fewer a business day"
    assert forty.p50_open_days == 6
    assert none.share == 1.0


def test_more_heads_shorter_handling_and_fewer_arrivals_do_more() -> None:
    days = [down_to(work(), [0], change)[0].p50_open_days for change in (Change(), Change(heads=0.5), Change(handling_time=-1 / 3), Change(arrivals=-1.0))]
    assert days == [10, 5, 5, 5]


def test_what_does_not_come_down_has_no_date() -> None:
    [found] = down_to(work(done=10), [50], Change())
    assert (found.share, found.p10, found.p50, found.p90, found.p50_open_days) == (0.0, None, None, None, None)
    row = {"open_cases": 100, "throughput_basis": "while work waited", "is_now_on_business_day": True}
    assert clear_words(found, row, 50, 0) == "not within half a year at this pace, in half of the futures or more"


def test_what_has_just_come_in_is_the_least_that_is_open() -> None:
    """The desk of the worked case; of the 10 cases of a business day 6 or more are open at its end, on each of the last days."""
    busy = replace(work(), fewest_new=6.0)
    below, just_in, forty = reached(busy, [5, 6, 40], Change())
    assert below is None
    assert just_in is not None
    assert just_in.p50_open_days == 10, "94 to go, 10 fewer a business day"
    assert forty == down_to(work(), [40], Change())[0]
    assert goals(busy, Change(), 40.0) == {"none open": 0.0, "only new": 6.0, "usual": 40.0}
    assert goals(busy, Change(arrivals=0.5), 40.0) == {"only new": 9.0, "usual": 40.0}, "half as many again are open, too"
    assert goals(busy, Change(heads=1.0), 40.0)["only new"] == 3, "twice the heads halve at most the time for which they are"
    assert goals(replace(busy, fewest_new=0), Change(), None) == {"none open": 0.0}, "a desk with days on which nothing comes in can be down to nothing"
    row = {"open_cases": 100, "throughput_basis": "while work waited", "is_now_on_business_day": True}
    assert clear_words(below, row, 5, 6) == "cannot be reached: 6 cases or more are open at the end of every business day because they came in on it"
    assert clear_figures(below) == {}


def test_fewer_open_than_has_just_come_in_is_there_already_on_a_business_day_alone() -> None:
    evening = replace(work(open_cases=4, done=10), fewest_new=6.0)
    [found] = down_to(evening, [5], Change())
    assert found.p50_open_days == 0
    sunday = replace(evening, is_now_on_business_day=False)
    below, usual = reached(sunday, [5, 20], Change())
    assert below is None, "a Sunday evening has less than any business day"
    assert usual is not None
    assert (usual.p50, usual.p50_open_days) == (TODAY, 1), "by the end of Monday, as far as anybody knows on Sunday"
    row = {"open_cases": 4, "throughput_basis": "while work waited", "is_now_on_business_day": False}
    assert clear_words(usual, row, 20, 6) == "at this pace; no more are open now, but now lies outside business days"
    assert clear_words(found, row | {"is_now_on_business_day": True}, 5, 6) == "already there"


def test_a_weekend_does_not_count() -> None:
    quiet_weekends = work(open_cases=30, comes=10, done=10, other=20)
    [found] = down_to(quiet_weekends, [0], Change())
    assert found.p50 == TODAY + timedelta(days=7), "Saturday and Sunday take 40, which is seen on Monday"


def test_what_is_down_is_down_now() -> None:
    [found] = down_to(work(open_cases=5, done=0), [5], Change())
    assert (found.p90, found.p90_open_days, found.share) == (TODAY, 0, 1.0)


def test_the_rest_of_today_counts() -> None:
    desk = work(open_cases=15)
    begun = replace(desk, days=[replace(desk.days[0], expected=5, low=5, high=5), *desk.days[1:]], done_today=10.0)
    [found, there] = down_to(begun, [10, 20], Change())
    assert (found.p50, found.p50_open_days) == (TODAY, 1), "five come and ten go until tonight"
    assert (there.p50, there.p50_open_days) == (TODAY, 0), "it is there already: today, not tomorrow"
    assert net_cases_per_week(begun, Change()) == net_cases_per_week(desk, Change()), "half a day is no usual one"


def test_chance_spreads_the_dates_and_the_same_futures_are_asked() -> None:
    scattered = work(open_cases=400, comes=50, done=60, spread=8, band=12)
    [found] = down_to(scattered, [0], Change())
    assert found.p10 is not None
    assert found.p50 is not None
    assert found.p90 is not None
    assert found.p10 < found.p50 < found.p90
    assert down_to(scattered, [0], Change()) == [found]
    shares = [down_to(replace(scattered, done_open=50.5), [0], Change(heads=more))[0].share for more in np.linspace(-0.1, 0.3, 9)]
    assert shares == sorted(shares)
    assert shares[0] < 0.1 < 0.9 < shares[-1]


def test_an_interval_that_is_not_known_is_chance_alone() -> None:
    [unknown] = down_to(work(open_cases=400, comes=50, done=60, band=None), [0], Change())
    assert unknown.p10 is not None
    assert unknown.p90 is not None
    assert unknown.p10 < unknown.p90
    assert (unknown.p90 - TODAY).days < DAYS_AHEAD


def test_rows_of_the_marts_become_a_backlog() -> None:
    day = {
        "calendar_date": TODAY, "expected_cases": 4.0, "low_cases": 2, "high_cases": 6, "total_low_cases": 2, "total_high_cases": 6, "is_business_day": True,
        "is_day_of_holiday": False, "forecast_reason": None,
    }  # fmt: skip
    days = [day | {"calendar_date": TODAY + timedelta(days=ahead), "total_low_cases": 3 * ahead + 2, "total_high_cases": 5 * ahead + 6} for ahead in range(14)]
    row = {
        "open_cases": 7, "is_today_begun": True, "is_now_on_business_day": True, "throughput_basis": "while work waited", "gone_cases_per_open_hour": 0.5, "open_hours_per_business_day": 8.0,
        "gone_cases_outside_hours_per_business_day": 1.0, "gone_cases_per_other_day": 0.25, "fewest_new_cases": None, "gone_width_cases_per_business_day": 7.0,
        "business_days": 38, "left_today_open_hours": 2.0, "left_today_time_share": 0.5, "left_today_arrivals_share": 0.25,
    }  # fmt: skip
    found = work_of(row, days)
    assert (found.done_open, found.done_other) == (5.0, 0.25)
    assert found.days[0] == Day(TODAY, 1.0, 0.0, 2.0, True, False), "a quarter of today's four arrivals is still to come, within half of their scatter"
    assert found.done_today == 1.5, "two open hours, and half of what leaves outside of them"
    assert (found.total_low, found.total_high) == (38.0, 68.0)
    closed_today = work_of(row, [days[0] | {"is_business_day": False}, *days[1:]])
    assert closed_today.done_today == 0.125
    whole = work_of(row | {"is_today_begun": False}, days)
    assert (whole.days[0].expected, whole.done_today, whole.total_low) == (4.0, None, 41)
    assert unclear(row, []) == "arrivals unknown: they have no forecast"
    assert unclear(row, [day | {"expected_cases": None, "forecast_reason": "too short a history"}]) == "arrivals unknown: too short a history"
    assert unclear(row | {"throughput_basis": "unknown"}, days) == "throughput unknown: no case left within 56 days"
    assert unclear(row, days) is None


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; import opsla_dagster.forecasting.challengers, opsla_dagster.forecasting.clear_rows, opsla_dagster.forecasting.history; "
        "print([name for name in ('sklearn', 'scipy', 'statsforecast', 'numba') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
