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

#: What is remembered of answers, together.
MOST_BYTES = 48 * 2**20
#: Pages that are computed at the same time; who comes later waits.
AT_THE_SAME_TIME = 4
WAIT_SECONDS = 20.0
#: No page takes as long; what does is given up.
PAGE_SECONDS = 15.0
#: Of a new generation, before it is shown: pages that are made, and seconds that this may take.
_PREPARED_AT_MOST, _PREPARING_SECONDS = 60, 20.0
_BREATH_SECONDS = 0.02


class BusyError(Exception):
    """Too much is asked at once, or one thing takes too long; `retry_seconds` later it may go."""

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
    """An answer, how to make it of another generation, and how often it was asked for."""

    answer: Answer
    remake: Callable[[Publication], Answer]
    asked: int = 1


@dataclass
class Answers:
    """The memory of answers by generation and address, the least recently asked for forgotten first."""

    most_bytes: int = MOST_BYTES
    _held: OrderedDict[Key, _Held] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _making: dict[Key, threading.Event] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_THE_SAME_TIME))

    def of(self, publication: Publication, address: str, make: Callable[[Publication], Answer]) -> Answer:
        """The answer for the address: remembered, or made by one caller while others who ask for the same wait for it."""
        key = (publication.generation, address)
        deadline = time.monotonic() + WAIT_SECONDS
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
                raise BusyError("The same page is still being made for somebody else.")
        try:
            answer = self._made(publication, make, deadline)
            self._remember(key, _Held(answer, make))
            return answer
        finally:
            with self._lock:
                self._making.pop(key).set()

    def prepare(self, fresh: Publication, old: Publication) -> None:
        """Makes for the `fresh` generation what was asked for more than once of the `old` one, the most recent first, for a few seconds at most."""
        with self._lock:
            wanted = [(key[1], held.remake) for key, held in reversed(self._held.items()) if key[0] == old.generation and held.asked > 1]
        deadline = time.monotonic() + _PREPARING_SECONDS
        for address, remake in wanted[:_PREPARED_AT_MOST]:
            if time.monotonic() > deadline:
                break
            time.sleep(_BREATH_SECONDS)  # readers come first
            with suppress(Exception):  # who asks for it is told why
                self._remember((fresh.generation, address), _Held(remake(fresh), remake))

    def forget(self, generation: str) -> None:
        """Forgets what was said of a generation that is not shown any more."""
        with self._lock:
            for key in [key for key in self._held if key[0] == generation]:
                self._bytes -= len(self._held.pop(key).answer.body)

    def _made(self, publication: Publication, make: Callable[[Publication], Answer], deadline: float) -> Answer:
        if not self._turns.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise BusyError("Too many pages are asked for at the same time.")
        try:
            return make(publication)
        finally:
            self._turns.release()

    def _remember(self, key: Key, held: _Held) -> None:
        with self._lock:
            if len(held.answer.body) > self.most_bytes // 8 or key in self._held:
                return
            self._held[key] = held
            self._bytes += len(held.answer.body)
            while self._bytes > self.most_bytes:
                self._bytes -= len(self._held.popitem(last=False)[1].answer.body)

    @property
    def bytes_held(self) -> int:
        return self._bytes


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
