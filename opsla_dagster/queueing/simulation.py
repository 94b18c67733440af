"""The discrete-event simulation: an event loop over arrivals, jobs done and steps of the heads.

Belongs here: the loops. Does not belong here: who goes first (policies), and anything random: the jobs are given, so two plans that are given
the same jobs are compared on common random numbers, and the same input gives the same answer on every machine.

- At one instant, first jobs are done, then heads come and go, then jobs arrive, then free heads pick. So a policy sees all that is there.
- A head that is free never idles while a job of its queues waits.
- **End of a shift.** Where there are fewer heads than jobs in hand, those begun last stop. What is left of them is taken up again before any
  job that was not yet begun, the earliest begun first, by the next free head that serves their queue, of the same shift or the next one.
- With first in first out, one pool and these rules, the jobs in hand are at every instant the earliest ones still there. So no job is done
  later with more heads or with less work. Under the other policies this holds for the whole, not for each job: with one head more, a long job
  of little weight may be begun just before an urgent one comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from typing import Protocol

import numpy as np

from opsla_dagster.queueing.jobs import Floats, Ints, Jobs, Pool, Served

#: (now, how many jobs were begun before, the jobs, those that wait by arrival) -> the position in the line of the one to begin.
Pick = Callable[[float, int, Jobs, Ints], int]

_NEVER = float("inf")


def simulate(jobs: Jobs, pools: Pool | Sequence[Pool], keys: Floats) -> Served:
    """Serves the jobs, the least of `keys` first (one a job: see `policies`); of equal keys the one that came first, then the first in `jobs`.

    One pool that serves every queue of the jobs takes about a microsecond a job, half of that where heads do not change, a third where jobs go in the order in which they come as well; several pools about three.
    Raises ValueError where no pool serves a job's queue, or a key is not a number.
    """
    pools = _checked(jobs, pools)
    if np.shape(keys) != (len(jobs),) or np.isnan(keys).any():
        raise ValueError("keys: one number a job")
    in_order = np.argsort(jobs.arrival_seconds, kind="stable")
    by_key = in_order[np.argsort(keys[in_order], kind="stable")]
    is_constant = len(pools) == 1 and len(pools[0].heads) == 1 and pools[0].heads[0] > 0
    if is_constant and np.array_equal(by_key, in_order):
        return _in_arrival_order(jobs, pools[0], in_order)
    rank = np.empty(len(jobs), dtype=np.int64)
    rank[by_key] = np.arange(len(jobs))
    if is_constant:
        return _constant_heads(jobs, pools[0], in_order, by_key, rank)
    if len(pools) == 1:
        return _one_pool(jobs, pools[0], in_order, by_key, rank)
    return _pools(jobs, pools, in_order, _RankedLine(jobs, by_key.tolist(), rank.tolist()))


def simulate_picks(jobs: Jobs, pools: Pool | Sequence[Pool], pick: Pick) -> Served:
    """Serves the jobs by a policy that looks at the whole line whenever a head is free.

    A pick costs what `pick` does with the line, about 0.1 ms with a thousand jobs waiting.
    Raises ValueError where no pool serves a job's queue.
    """
    pools = _checked(jobs, pools)
    return _pools(jobs, pools, np.argsort(jobs.arrival_seconds, kind="stable"), _PickedLine(jobs, pick))


def _checked(jobs: Jobs, pools: Pool | Sequence[Pool]) -> list[Pool]:
    """The pools, those of fewest queues first: a head that can do little else takes first what it can do."""
    listed = [pools] if isinstance(pools, Pool) else list(pools)
    served = {queue for pool in listed for queue in pool.queues}
    unserved = sorted(set(np.unique(jobs.queue).tolist()) - served)
    if unserved:
        raise ValueError(f"queue {unserved[0]}: there are jobs, and no pool serves it (served: {', '.join(map(str, sorted(served))) or 'none'})")
    return sorted(listed, key=lambda pool: len(pool.queues))


def _in_arrival_order(jobs: Jobs, pool: Pool, in_order: Ints) -> Served:
    """The same where heads neither come nor go and nobody overtakes: each job begins with the head that is free first."""
    free_at = [float(pool.from_seconds[0])] * int(pool.heads[0])
    start, finish = np.empty(len(jobs)), np.empty(len(jobs))
    started, finished = [], []
    for arrival, work in zip(jobs.arrival_seconds[in_order].tolist(), jobs.work_seconds[in_order].tolist(), strict=True):
        begins = free_at[0]
        if arrival > begins:
            begins = arrival
        ends = begins + work
        started.append(begins)
        finished.append(ends)
        heapreplace(free_at, ends)
    start[in_order], finish[in_order] = started, finished
    return Served(start, finish, start - jobs.arrival_seconds)


def _constant_heads(jobs: Jobs, pool: Pool, in_order: Ints, by_key: Ints, ranks: Ints) -> Served:
    """The same where heads neither come nor go: the head that is free first takes the first in the line, and nothing that was begun is stopped."""
    free_at = [float(pool.from_seconds[0])] * int(pool.heads[0])
    arrival = [*jobs.arrival_seconds[in_order].tolist(), _NEVER]
    rank, job_of_rank, work = ranks[in_order].tolist(), by_key.tolist(), jobs.work_seconds.tolist()
    start, finish = [_NEVER] * len(jobs), [_NEVER] * len(jobs)
    line: list[int] = []
    next_arrival, arrives, now = 0, arrival[0], free_at[0]
    for _ in range(len(jobs)):
        if free_at[0] > now:
            now = free_at[0]
        if not line and arrives > now:
            now = arrives
        while arrives <= now:
            heappush(line, rank[next_arrival])
            next_arrival += 1
            arrives = arrival[next_arrival]
        job = job_of_rank[heappop(line)]
        start[job] = now
        finish[job] = now + work[job]
        heapreplace(free_at, finish[job])
    return _served(jobs, start, finish)


def _one_pool(jobs: Jobs, pool: Pool, in_order: Ints, by_key: Ints, ranks: Ints) -> Served:
    """The loop for one pool, written out: plain numbers, no calls but those of the heaps.

    The line is a heap of ranks. A job that was stopped goes back with a negative number, the earlier begun the smaller, so it goes first.
    """
    count = len(jobs)
    arrival = [*jobs.arrival_seconds[in_order].tolist(), _NEVER]
    rank = ranks[in_order].tolist()
    job_of_rank, work = by_key.tolist(), jobs.work_seconds.tolist()
    step_at, step_heads = [*pool.from_seconds.tolist(), _NEVER], pool.heads.tolist()
    start, finish = [_NEVER] * count, [_NEVER] * count
    line: list[int] = []
    in_hand: list[tuple[float, int, int]] = []  # when done, how many jobs were begun before it, which
    left: dict[int, tuple[int, float]] = {}  # number in the line of a stopped job -> which, what is left of it
    heads = free = begun = next_arrival = next_step = 0
    while True:
        now = min(arrival[next_arrival], step_at[next_step])
        if in_hand and in_hand[0][0] < now:
            now = in_hand[0][0]
        if now == _NEVER:
            break
        while in_hand and in_hand[0][0] <= now:
            done_at, _, job = heappop(in_hand)
            finish[job] = done_at
            free += 1
        while step_at[next_step] <= now:
            free += step_heads[next_step] - heads
            heads = step_heads[next_step]
            next_step += 1
        if free < 0:
            in_hand.sort(key=_begun)
            for done_at, number, job in in_hand[free:]:
                left[number - count] = (job, done_at - now)
                heappush(line, number - count)
            del in_hand[free:]
            heapify(in_hand)
            free = 0
        while arrival[next_arrival] <= now:
            heappush(line, rank[next_arrival])
            next_arrival += 1
        while free and line:
            taken = heappop(line)
            free -= 1
            if taken >= 0:
                job = job_of_rank[taken]
                start[job] = now
                heappush(in_hand, (now + work[job], begun, job))
                begun += 1
            else:
                job, seconds = left.pop(taken)
                heappush(in_hand, (now + seconds, taken + count, job))
    return _served(jobs, start, finish)


def _begun(in_hand: tuple[float, int, int]) -> int:
    return in_hand[1]


def _served(jobs: Jobs, start: list[float], finish: list[float]) -> Served:
    started = np.array(start, dtype=np.float64)
    return Served(started, np.array(finish, dtype=np.float64), started - jobs.arrival_seconds)


class _Line(Protocol):
    """The jobs that wait and were not begun yet."""

    def add(self, job: int) -> None: ...

    def take(self, pool: Pool, now: float, begun: int) -> int:
        """The job of the pool's queues that is next, no longer in the line; -1 where none waits."""
        ...


class _RankedLine:
    """A heap of ranks for each queue."""

    def __init__(self, jobs: Jobs, job_of_rank: list[int], rank: list[int]) -> None:
        self._job_of_rank, self._rank, self._queue = job_of_rank, rank, jobs.queue.tolist()
        self._heaps: dict[int, list[int]] = {queue: [] for queue in set(self._queue)}

    def add(self, job: int) -> None:
        heappush(self._heaps[self._queue[job]], self._rank[job])

    def take(self, pool: Pool, now: float, begun: int) -> int:
        heaps = [heap for queue in pool.queues if (heap := self._heaps.get(queue))]
        return self._job_of_rank[heappop(min(heaps, key=_least))] if heaps else -1


def _least(heap: list[int]) -> int:
    return heap[0]


class _PickedLine:
    """An array of jobs by arrival, of which a policy picks one."""

    def __init__(self, jobs: Jobs, pick: Pick) -> None:
        self._jobs, self._pick, self._queue = jobs, pick, jobs.queue.tolist()
        self._queues = set(self._queue)
        self._waiting, self._count = np.empty(len(jobs), dtype=np.int64), 0

    def add(self, job: int) -> None:
        self._waiting[self._count] = job
        self._count += 1

    def take(self, pool: Pool, now: float, begun: int) -> int:
        waiting = self._waiting[: self._count]
        positions = np.arange(self._count) if self._queues <= set(pool.queues) else np.flatnonzero(np.isin(self._jobs.queue[waiting], pool.queues))
        if not len(positions):
            return -1
        position = int(positions[self._pick(now, begun, self._jobs, waiting[positions])])
        job = int(waiting[position])
        self._waiting[position : self._count - 1] = self._waiting[position + 1 : self._count]
        self._count -= 1
        return job


class _Hands:
    """What one pool has in hand, and how many of its heads are free."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.step_at, self.step_heads = [*pool.from_seconds.tolist(), _NEVER], pool.heads.tolist()
        self.next_step = self.heads = self.free = 0
        self.in_hand: list[tuple[float, int, int]] = []  # as in _one_pool

    def next_event(self) -> float:
        step_at: float = self.step_at[self.next_step]
        return min(step_at, self.in_hand[0][0]) if self.in_hand else step_at

    def done(self, now: float) -> list[tuple[float, int]]:
        """When each job was done and which; their heads are free."""
        done = []
        while self.in_hand and self.in_hand[0][0] <= now:
            done_at, _, job = heappop(self.in_hand)
            done.append((done_at, job))
            self.free += 1
        return done

    def stopped(self, now: float) -> list[tuple[int, int, float]]:
        """Takes the steps up to now. Of each job whose head has gone: how many were begun before it, which, the seconds left."""
        while self.step_at[self.next_step] <= now:
            self.free += self.step_heads[self.next_step] - self.heads
            self.heads = self.step_heads[self.next_step]
            self.next_step += 1
        if self.free >= 0:
            return []
        self.in_hand.sort(key=_begun)
        stopped = [(number, job, done_at - now) for done_at, number, job in self.in_hand[self.free :]]
        del self.in_hand[self.free :]
        heapify(self.in_hand)
        self.free = 0
        return stopped


def _pools(jobs: Jobs, pools: Sequence[Pool], in_order: Ints, line: _Line) -> Served:
    """The loop for several pools, or for a policy that looks at the whole line."""
    arrival, order = [*jobs.arrival_seconds[in_order].tolist(), _NEVER], in_order.tolist()
    work, queue = jobs.work_seconds.tolist(), jobs.queue.tolist()
    start, finish = [_NEVER] * len(jobs), [_NEVER] * len(jobs)
    hands = [_Hands(pool) for pool in pools]
    stopped: list[tuple[int, int, float]] = []  # by how many were begun before
    begun = next_arrival = 0
    while (now := min(arrival[next_arrival], *(hand.next_event() for hand in hands))) < _NEVER:
        for hand in hands:
            for done_at, job in hand.done(now):
                finish[job] = done_at
        for hand in hands:
            if gone := hand.stopped(now):
                stopped = sorted([*stopped, *gone])
        while arrival[next_arrival] <= now:
            line.add(order[next_arrival])
            next_arrival += 1
        for hand in hands:
            while hand.free:
                again = next((entry for entry in stopped if queue[entry[1]] in hand.pool.queues), None)
                if again:
                    stopped.remove(again)
                    number, job, seconds = again
                elif (job := line.take(hand.pool, now, begun)) >= 0:
                    number, seconds = begun, work[job]
                    start[job] = now
                    begun += 1
                else:
                    break
                heappush(hand.in_hand, (now + seconds, number, job))
                hand.free -= 1
    return _served(jobs, start, finish)
