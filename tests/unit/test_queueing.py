"""The simulation held against what is known without it: formulas, another simulator, a walk by ticks, and laws that no queue breaks."""

from __future__ import annotations

import math

import ciw
import numpy as np
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from opsla_dagster.queueing import closed_forms, policies
from opsla_dagster.queueing.jobs import Floats, Jobs, Pool, Served, in_whole_heads, jobs, pool
from opsla_dagster.queueing.simulation import Pick, simulate, simulate_picks
from opsla_dagster.queueing.streams import arrivals, streams, works

MINUTE = 60.0
RATE, WORK = 25 / 3600, 12 * MINUTE  # 25 jobs an hour of 12 minutes each: a load of 5 heads


def drawn(count: int, rate: float = RATE, work_seconds: float = WORK, variation: float | None = 1.0, seed: int = 13) -> Jobs:
    """Poisson arrivals; exponential works where `variation` is 1, constant ones where it is 0."""
    gaps, sizes = streams(seed, 2)
    work = np.full(count, work_seconds) if variation == 0 else sizes.exponential(work_seconds, count)
    return jobs(np.cumsum(gaps.exponential(1 / rate, count)), work, target_seconds=15 * MINUTE)


def mean_within_noise(values: Floats, expected: float, parts: int = 25) -> bool:
    """The mean lies within four standard errors, which are taken from parts long enough to be independent."""
    means = [part.mean() for part in np.array_split(values, parts)]
    return abs(float(values.mean()) - expected) <= 4 * float(np.std(means, ddof=1)) / math.sqrt(parts)


def test_six_heads_wait_as_erlang_c_says() -> None:
    made = drawn(400_000)
    wait = simulate(made, pool(6), policies.first_in_first_out(made)).wait_seconds
    assert 1 - closed_forms.erlang_c(5, 6) == pytest.approx(0.4125, abs=5e-5)
    assert closed_forms.mmc_wait_within(15 * MINUTE, RATE, WORK, 6) == pytest.approx(0.832, abs=5e-4)
    assert mean_within_noise(wait <= 1e-9, 0.4125)
    assert mean_within_noise(wait <= 15 * MINUTE, 0.832)
    assert mean_within_noise(wait, closed_forms.mmc_mean_wait_seconds(RATE, WORK, 6))
    assert np.std(wait) > 0
    assert not mean_within_noise(wait <= 1e-9, 0.45), "the margin would let a wrong figure through"


@pytest.mark.parametrize("variation", [0.0, 1.0])
def test_one_head_waits_as_pollaczek_and_khinchine_say(variation: float) -> None:
    made = drawn(200_000, rate=0.8 / WORK, variation=variation)
    wait = simulate(made, pool(1), policies.first_in_first_out(made)).wait_seconds
    expected = closed_forms.mg1_mean_wait_seconds(0.8 / WORK, WORK, variation)
    assert expected == pytest.approx(0.8 * WORK * (1 + variation**2) / 0.4)
    assert mean_within_noise(wait, expected)
    assert closed_forms.mg1_mean_wait_seconds(0.8 / WORK, WORK, 1) == pytest.approx(closed_forms.mmc_mean_wait_seconds(0.8 / WORK, WORK, 1))


def in_ciw(made: Jobs, heads: object) -> dict[float, tuple[float, float]]:
    """Arrival -> start and finish in ciw, given the same arrivals and works."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*np.diff(made.arrival_seconds, prepend=0.0).tolist(), math.inf])],
        service_distributions=[ciw.dists.Sequential(made.work_seconds.tolist())],
        number_of_servers=[heads],
    )
    run = ciw.Simulation(network)
    run.simulate_until_max_customers(len(made), method="Finish")
    return {record.arrival_date: (record.service_start_date, record.service_end_date) for record in run.get_all_records() if record.record_type == "service"}


def test_another_simulator_begins_and_ends_every_job_at_the_same_instants() -> None:
    made = drawn(3_000)
    ours = simulate(made, pool(6), policies.first_in_first_out(made))
    theirs = in_ciw(made, 6)
    assert len(theirs) == len(made)
    assert np.array(sorted(theirs)) == pytest.approx(made.arrival_seconds)
    assert np.array([theirs[instant] for instant in sorted(theirs)]) == pytest.approx(np.column_stack((ours.start_seconds, ours.finish_seconds)))


def test_impatient_callers_hang_up_as_erlang_a_says() -> None:
    patience, heads = 10 * MINUTE, 5
    formula = closed_forms.erlang_a(RATE, WORK, patience, heads)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(RATE)], service_distributions=[ciw.dists.Exponential(1 / WORK)],
        reneging_time_distributions=[ciw.dists.Exponential(1 / patience)], number_of_servers=[heads],
    )
    ciw.seed(13)
    run = ciw.Simulation(network)
    run.simulate_until_max_time(20_000 / RATE)
    records = sorted(run.get_all_records(only=["service", "renege"]), key=lambda record: (record.arrival_date, record.id_number))
    hangs_up = np.array([record.record_type == "renege" for record in records])
    wait = np.array([record.waiting_time for record in records])
    assert mean_within_noise(hangs_up, formula.abandons)
    assert mean_within_noise(wait, formula.mean_wait_seconds)
    assert mean_within_noise(wait > 0, formula.waits)
    assert mean_within_noise((wait <= 2 * MINUTE) & ~hangs_up, closed_forms.erlang_a_answered_within(2 * MINUTE, RATE, WORK, patience, heads))


@pytest.mark.parametrize(("rate", "heads"), [(RATE, 5), (RATE, 4), (RATE * 40, 190), (RATE * 400, 2_050)])
def test_the_two_ways_to_erlang_a_agree(rate: float, heads: int) -> None:
    formula = closed_forms.erlang_a(rate, WORK, 300.0, heads)
    assert closed_forms.erlang_a_answered_within(0.0, rate, WORK, 300.0, heads) == pytest.approx(1 - formula.waits)
    assert closed_forms.erlang_a_answered_within(1e6, rate, WORK, 300.0, heads) == pytest.approx(1 - formula.abandons, abs=1e-7)


def test_patience_without_end_is_erlang_c() -> None:
    assert closed_forms.erlang_a(RATE, WORK, 1e6, 6).waits == pytest.approx(closed_forms.erlang_c(5, 6), rel=0.01)


def test_a_queue_that_cannot_keep_up_has_no_steady_state() -> None:
    assert closed_forms.erlang_c(6, 6) == 1
    assert closed_forms.mmc_wait_within(900, RATE, WORK, 5) == 0
    assert closed_forms.mmc_mean_wait_seconds(RATE, WORK, 5) == math.inf
    assert closed_forms.mg1_mean_wait_seconds(1 / WORK, WORK, 0) == math.inf


# A walk by ticks: what the loop does, said as naively as can be.


def walked(made: Jobs, steps: list[tuple[int, int]], keys: Floats, until: int) -> Served:
    """Whole seconds, one pool, one tick after the other."""
    start, finish = np.full(len(made), np.inf), np.full(len(made), np.inf)
    left = made.work_seconds.copy()
    begun: list[int] = []
    for now in range(until):
        heads = max((step for step in steps if step[0] <= now), default=(0, 0))[1]
        waiting = sorted(
            (job for job in range(len(made)) if made.arrival_seconds[job] <= now and job not in begun),
            key=lambda job: (keys[job], made.arrival_seconds[job], job),
        )
        unfinished = [job for job in begun if left[job] > 0]
        for job in waiting[: max(0, heads - len(unfinished))]:
            begun.append(job)
            start[job] = now
        for job in [job for job in begun if left[job] > 0][:heads]:
            left[job] -= 1
            if left[job] == 0:
                finish[job] = now + 1
    return Served(start, finish, start - made.arrival_seconds)


JOB = st.tuples(st.integers(-5, 40), st.integers(1, 12), st.integers(1, 30), st.sampled_from([1, 3, 10]))
SHIFTS = st.lists(st.tuples(st.integers(1, 15), st.integers(0, 4)), min_size=1, max_size=6)


def made_of(rows: list[tuple[int, int, int, int]]) -> Jobs:
    arrival, work, target, weight = np.array(rows, dtype=float).T
    return jobs(arrival, work, target_seconds=target, weight=weight)


def steps_of(shifts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(from, heads): shifts of some seconds each from 0 on, the last for ever."""
    begins = np.concatenate(([0], np.cumsum([length for length, _ in shifts])[:-1]))
    return [(int(begin), heads) for begin, (_, heads) in zip(begins, shifts, strict=True)]


def pool_of(steps: list[tuple[int, int]]) -> Pool:
    return pool([heads for _, heads in steps], [begin for begin, _ in steps])


@given(rows=st.lists(JOB, min_size=1, max_size=14), shifts=SHIFTS, policy=st.sampled_from([policies.first_in_first_out, policies.earliest_due_date, policies.strict_priority]))
@settings(max_examples=examples(150), deadline=None)
def test_the_loop_is_the_walk_by_ticks(rows: list[tuple[int, int, int, int]], shifts: list[tuple[int, int]], policy: object) -> None:
    made, steps = made_of(rows), steps_of(shifts)
    keys = policy(made)  # type: ignore[operator]
    expected = walked(made, steps, keys, 400)
    by_pick: Pick = lambda now, begun, known, waiting: int(np.lexsort((waiting, known.arrival_seconds[waiting], keys[waiting]))[0])  # noqa: E731
    two_alike = [pool_of(steps), pool(0)]
    for served in (simulate(made, pool_of(steps), keys), simulate(made, two_alike, keys), simulate_picks(made, pool_of(steps), by_pick)):
        assert served.start_seconds.tolist() == expected.start_seconds.tolist()
        assert served.finish_seconds.tolist() == expected.finish_seconds.tolist()


@given(rows=st.lists(JOB, min_size=1, max_size=14), shifts=SHIFTS, more=st.integers(0, 5), quicker=st.floats(0.2, 1))
@settings(max_examples=examples(100), deadline=None)
def test_first_in_first_out_no_job_is_later_with_more_heads_or_less_work(
    rows: list[tuple[int, int, int, int]], shifts: list[tuple[int, int]], more: int, quicker: float
) -> None:
    made, steps = made_of(rows), steps_of(shifts)
    before = simulate(made, pool_of(steps), policies.first_in_first_out(made))
    one_step_more = [(begin, heads + (number == more)) for number, (begin, heads) in enumerate(steps)]
    lighter = jobs(made.arrival_seconds, made.work_seconds * quicker)
    for after in (
        simulate(made, pool_of(one_step_more), policies.first_in_first_out(made)),
        simulate(lighter, pool_of(steps), policies.first_in_first_out(lighter)),
    ):
        assert (after.finish_seconds <= before.finish_seconds + 1e-9).all()
        assert (after.start_seconds <= before.start_seconds + 1e-9).all()


@given(
    rows=st.lists(st.tuples(st.integers(-5, 40), st.integers(0, 15), st.integers(0, 5)), min_size=1, max_size=40),
    heads=st.integers(1, 4), begins=st.integers(-2, 10), is_by_arrival=st.booleans(),
)  # fmt: skip
@settings(max_examples=examples(150), deadline=None)
def test_where_heads_do_not_change_the_short_way_is_the_loop(rows: list[tuple[int, int, int]], heads: int, begins: int, is_by_arrival: bool) -> None:
    """A step that changes no head takes the loop, in the order of arrival and in any other."""
    arrival, work, key = (np.array(values, dtype=float) for values in zip(*rows, strict=True))
    made = jobs(arrival, work)
    short, loop = (simulate(made, pool(np.full(len(steps), heads), steps), arrival if is_by_arrival else key) for steps in ([begins], [begins, 1_000_000]))
    np.testing.assert_array_equal(short.start_seconds, loop.start_seconds)
    np.testing.assert_array_equal(short.finish_seconds, loop.finish_seconds)


def test_by_due_date_a_job_may_be_later_with_a_head_more_and_the_whole_is_not() -> None:
    """Where a policy breaks it: the head more takes a long job that is in no hurry, and is not free when an urgent one comes."""
    made = jobs([0, 3], [50, 10], due_seconds=[900, 14])
    keys = policies.earliest_due_date(made)
    assert simulate(made, pool([0, 1], [0, 3]), keys).finish_seconds.tolist() == [63, 13]
    assert simulate(made, pool([1, 1], [0, 3]), keys).finish_seconds.tolist() == [50, 60]
    many = drawn(5_000)
    kept = [simulate(many, pool(heads), policies.earliest_due_date(many)).is_kept(many).mean() for heads in (4, 5, 6, 7, 8)]
    assert kept == sorted(kept)
    assert kept[0] < kept[-1]


EVERY_POLICY = [policies.first_in_first_out, policies.strict_priority, policies.earliest_due_date, policies.weight_per_work]


def unfinished_work(made: Jobs, served: Served, instant: float) -> float:
    """Of one head that is never interrupted: the work that has come and is not done."""
    done = np.clip(instant - served.start_seconds, 0, made.work_seconds)
    return float((made.work_seconds - done)[made.arrival_seconds <= instant].sum())


def test_no_policy_makes_or_loses_work() -> None:
    """Who goes first changes who waits, and never how much work is left."""
    made = drawn(2_000, rate=0.95 / WORK)
    weights = np.tile([10.0, 3.0, 1.0, 1.0], 500)
    weighted = jobs(made.arrival_seconds, made.work_seconds, target_seconds=36_000.0 / weights, weight=weights)
    served = [simulate(weighted, pool(1), policy(weighted)) for policy in EVERY_POLICY]
    served.append(simulate_picks(weighted, pool(1), policies.guarded(policies.by_index(policies.kept_within(1.0), 8 * WORK))))
    for instant in np.linspace(0, made.arrival_seconds[-1], 40):
        left = [unfinished_work(weighted, of_policy, instant) for of_policy in served]
        assert left == pytest.approx([left[0]] * len(left), abs=1e-3)
    assert len({of_policy.wait_seconds.sum().round() for of_policy in served}) == len(served), "the policies differ"
    for of_policy in served:
        assert of_policy.finish_seconds - of_policy.start_seconds == pytest.approx(weighted.work_seconds)


def test_work_in_hand_at_the_end_of_a_shift_is_taken_up_first_by_the_next() -> None:
    """Two heads until 10, one until 20: the job begun last stops and is taken up before one that is due earlier."""
    made = jobs([0, 1, 9], [12, 12, 5], due_seconds=[100, 100, 20])
    served = simulate(made, pool([2, 1, 0, 2], [0, 10, 20, 50]), policies.earliest_due_date(made))
    assert served.start_seconds.tolist() == [0, 1, 15]
    assert served.finish_seconds.tolist() == [12, 15, 20]
    overnight = simulate(made, pool([2, 0, 1], [0, 10, 50]), policies.earliest_due_date(made))
    assert overnight.finish_seconds.tolist() == [52, 55, 60]


def test_what_the_heads_never_come_to_has_no_end() -> None:
    made = jobs([0, 0, 0], [5, 10, 1])
    served = simulate(made, pool([1, 0], [0, 10]), policies.first_in_first_out(made))
    assert served.start_seconds.tolist() == [0, 5, math.inf]
    assert served.finish_seconds.tolist() == [5, math.inf, math.inf]
    assert served.is_kept(made).tolist() == [True, True, True], "nothing was promised: due never"


def test_no_jobs_and_jobs_without_work() -> None:
    assert len(simulate(jobs([], []), pool(1), np.array([])).wait_seconds) == 0
    assert simulate(jobs([3, 3, 3], [0, 0, 2]), pool(1), np.zeros(3)).finish_seconds.tolist() == [3, 3, 5]


def test_a_head_of_several_queues_follows_the_policy_over_all_of_them_and_picks_after_those_of_one() -> None:
    both, first = pool(1, queues=(0, 1)), pool(1, queues=(0,))
    two = jobs([0, 0], [10, 10], queue=[0, 1])
    assert simulate(two, [both, first], policies.first_in_first_out(two)).start_seconds.tolist() == [0, 0], "who can do little else picks first"
    made = jobs([0, 0, 0, 1], [10, 10, 10, 10], queue=[0, 0, 1, 1])
    assert simulate(made, [both, first], policies.first_in_first_out(made)).start_seconds.tolist() == [0, 0, 10, 20]
    assert simulate(made, [first, pool(1, queues=(1,))], policies.first_in_first_out(made)).start_seconds.tolist() == [0, 10, 0, 10]


def test_half_a_head_is_there_half_of_the_time() -> None:
    heads, begins = in_whole_heads([2.5, 0.25], [0.0, 3_600.0], 7_200.0, slice_seconds=900.0)
    assert heads.tolist() == [2, 3, 2, 3, 0, 0, 0, 1, 0]
    assert begins.tolist() == [0, 900, 1800, 2700, 3600, 4500, 5400, 6300, 7200]
    heads, begins = in_whole_heads([1.7], [0.0], 36_000.0)
    assert (heads[:-1] * np.diff(begins)).sum() == pytest.approx(1.7 * 36_000, abs=900)


def test_the_same_input_gives_the_same_answer_and_plans_meet_the_same_jobs() -> None:
    one, other = (arrivals(streams(7, 2)[0], np.arange(10) * 3600.0, 3600.0, 25.0, overdispersion=0.2) for _ in range(2))
    assert one.tolist() == other.tolist()
    assert (np.diff(one) >= 0).all()
    sizes = works(streams(7, 2)[1], np.full(200_000, WORK), 1.0)
    assert sizes.mean() == pytest.approx(WORK, rel=0.02)
    assert sizes.std() == pytest.approx(WORK, rel=0.05)
    counts = [len(arrivals(generator, [0.0], 3600.0, 25.0, overdispersion=0.2)) for generator in streams(7, 3_000)]
    assert np.mean(counts) == pytest.approx(25, rel=0.02)
    assert np.var(counts) == pytest.approx(25 + 0.2 * 25**2, rel=0.15)


@pytest.mark.parametrize(("wrong", "said"), [
    (lambda: jobs([0, math.nan], [1, 1]), r"arrival_seconds\[1\]: nan found, a finite instant expected"),
    (lambda: jobs([0], [-1]), r"work_seconds\[0\]: -1.0 found, a finite number, 0 or more expected"),
    (lambda: jobs([0, 1], [1, 1, 1]), r"work_seconds: one entry a job, found \(3,\) for \(2,\) jobs"),
    (lambda: jobs([0], [1], due_seconds=[math.nan]), r"due_seconds\[0\]: nan found"),
    (lambda: pool([1, 2], [5, 5]), "each step begins after the one before it"),
    (lambda: pool(1.5), r"heads\[0\]: 1.5 found, a whole number, 0 or more \(in_whole_heads makes them\) expected"),
    (lambda: simulate(jobs([0], [1], queue=[2]), pool(1), np.zeros(1)), r"queue 2: there are jobs, and no pool serves it \(served: 0\)"),
    (lambda: simulate(jobs([0], [1]), pool(1), np.array([math.nan])), "keys: one number a job"),
    (lambda: closed_forms.erlang_a(1, 1, 0, 1), "patience_seconds: 0 found, a finite number above 0 expected"),
])
def test_input_without_meaning_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()  # type: ignore[operator]
