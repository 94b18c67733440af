"""Answers that were made before, and answers that are being made: the same address of the same generation is computed once.

Belongs here: the bounded memory of answers, and the bounds of what is computed at the same time. Does not belong here: what an answer is.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import duckdb

from opsla_dagster.center.publication import Publication

#: What is remembered of answers, together: their bytes, and how many there are.
MOST_BYTES, MOST_ANSWERS = 48 * 2**20, 1000
#: What an answer takes besides its body and its address: parameters, the way to make it again, entries of dictionaries.
_OVERHEAD_BYTES = 8192
#: Pages that are computed at the same time; later requests wait.
AT_THE_SAME_TIME = 4
WAIT_SECONDS = 20.0
#: Requests for comparisons of promises have turns of their own, so that pages never wait for them; they wait less, for one takes long.
_COMPARISONS_WAIT_SECONDS = 2.0
#: No page takes as long; what does is given up.
PAGE_SECONDS = 15.0
#: Of a new generation, before it is shown: pages that are made, and seconds that this may take.
_PREPARED_AT_MOST, _PREPARING_SECONDS = 60, 20.0
_BREATH_SECONDS = 0.02


class BusyError(Exception):
    """Too much is asked for at once, or one thing takes too long; it may work `retry_seconds` later."""

    def __init__(self, problem: str, retry_seconds: int = 5) -> None:
        super().__init__(problem)
        self.problem = problem
        self.retry_seconds = retry_seconds


@dataclass(frozen=True)
class Answer:
    """Bytes of a media type, with the entity tag by which a browser knows them again."""

    body: bytes
    media_type: str
    etag: str


#: Generation and address.
Key = tuple[str, str]


@dataclass
class _Held:
    """An answer, how to make it of another generation (None: only when somebody asks for it), and how often it was asked for."""

    answer: Answer
    remake: Callable[[Publication], Answer] | None
    asked: int = 1


class Turns:
    """How many answers of a kind are made at the same time, and how long a request waits for its turn or for the same answer."""

    def __init__(self, at_the_same_time: int, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        self._free = threading.BoundedSemaphore(at_the_same_time)

    @contextmanager
    def one(self, deadline: float, problem: str) -> Iterator[None]:
        """A turn, free by `deadline` (of the monotonic clock). Raises BusyError where none is."""
        if not self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise BusyError(problem)
        try:
            yield
        finally:
            self._free.release()


def page_turns() -> Turns:
    """Of pages."""
    return Turns(AT_THE_SAME_TIME, WAIT_SECONDS)


def comparison_page_turns() -> Turns:
    """Of the page of comparisons: one may compare while others show the form or a comparison that was made before."""
    return Turns(2, _COMPARISONS_WAIT_SECONDS)


@dataclass
class Answers:
    """The memory of answers by generation and address, the least recently asked for forgotten first."""

    most_bytes: int = MOST_BYTES
    most_answers: int = MOST_ANSWERS
    _held: OrderedDict[Key, _Held] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _making: dict[Key, threading.Event] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, publication: Publication, address: str, make: Callable[[Publication], Answer], turns: Turns, *, is_prepared: bool = True) -> Answer:
        """The answer for the address: remembered, or made by one caller in its turn while others who ask for the same wait for it.

        `is_prepared`: it may be made of the next generation before anybody asks. Raises BusyError where its turn does not come.
        """
        key = (publication.generation, address)
        deadline = time.monotonic() + turns.wait_seconds
        while True:
            with self._lock:
                if key in self._held:
                    self._held.move_to_end(key)
                    self._held[key].asked += 1
                    return self._held[key].answer
                made = self._making.get(key)
                if made is None:
                    self._making[key] = threading.Event()
                    break
            if not made.wait(max(0.0, deadline - time.monotonic())):
                raise BusyError("The same page is still being made for another request.")
        try:
            with turns.one(deadline, "Too many pages are asked for at the same time."):
                answer = make(publication)
            self._remember(key, _Held(answer, make if is_prepared else None))
            return answer
        finally:
            with self._lock:
                self._making.pop(key).set()

    def prepare(self, fresh: Publication, old: Publication) -> None:
        """Makes for the `fresh` generation what was asked for more than once of the `old` one, the most recent first, for a few seconds at most."""
        with self._lock:
            wanted = [(key[1], held.remake) for key, held in reversed(self._held.items()) if key[0] == old.generation and held.asked > 1 and held.remake]
        deadline = time.monotonic() + _PREPARING_SECONDS
        for address, remake in wanted[:_PREPARED_AT_MOST]:
            if time.monotonic() > deadline:
                break
            time.sleep(_BREATH_SECONDS)  # readers come first
            with suppress(Exception):  # the request for it will say why
                self._remember((fresh.generation, address), _Held(remake(fresh), remake))

    def forget(self, generation: str) -> None:
        """Forgets the answers of a generation that is not shown any more."""
        with self._lock:
            for key in [key for key in self._held if key[0] == generation]:
                self._bytes -= _size(key, self._held.pop(key))

    def _remember(self, key: Key, held: _Held) -> None:
        with self._lock:
            if _size(key, held) > self.most_bytes // 8 or key in self._held:
                return
            self._held[key] = held
            self._bytes += _size(key, held)
            while self._bytes > self.most_bytes or len(self._held) > self.most_answers:
                self._bytes -= _size(*self._held.popitem(last=False))


def _size(key: Key, held: _Held) -> int:
    # The address stands in the key and, taken apart, in what makes the answer.
    return len(held.answer.body) + 4 * len(key[1]) + _OVERHEAD_BYTES


@contextmanager
def bounded(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """What is computed on the connection inside is given up after `seconds`, with a BusyError."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise BusyError(f"This took longer than {seconds:.0f} seconds and was given up; narrow it down.", 30) from error
    except duckdb.OutOfMemoryException as error:
        raise BusyError("This needs more memory than the command centre may take; narrow it down.", 30) from error
    finally:
        timer.cancel()


@dataclass
class RateLimit:
    """At most `most` starts in any `seconds`."""

    most: int
    seconds: float
    _starts: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, problem: str) -> None:
        """Counts one start. Raises BusyError beyond the limit."""
        now = time.monotonic()
        with self._lock:
            while self._starts and self._starts[0] <= now - self.seconds:
                self._starts.popleft()
            if len(self._starts) >= self.most:
                raise BusyError(problem, max(1, round(self._starts[0] + self.seconds - now)))
            self._starts.append(now)
