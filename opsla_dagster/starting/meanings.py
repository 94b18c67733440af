"""What the words of a log's status column mean: as told, as the vocabulary has it, as a person answers.

Belongs here: placing the words of one log, and whether enough of them are placed. Does not belong here: the vocabulary (`words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted, rounded
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.columns import MOST_WORDS
from opsla_dagster.starting.remarks import Remarks
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.told import Meaning, Told
from opsla_dagster.starting.words import IGNORE, WAITS_FOR_US, folded, is_vague, signal_of, signals_of, spelled_alike
from opsla_dagster.status import MEANINGS, TERMINAL_STATUSES, Signal

#: Records whose status nobody said the meaning of, of a hundred, above which nothing is written without being asked; the gates that are
#: written stop a run at the same share.
MOST_UNPLACED_PCT = 20
#: A desk whose records all say the same says nothing.
FEWEST_SIGNALS = 2


@dataclass(frozen=True)
class Statuses:
    """What each word means; of several spellings of one word the commonest stands for all."""

    placed: dict[str, Signal] = field(default_factory=dict)
    #: Words that are left out on purpose.
    ignored: list[str] = field(default_factory=list)
    #: Words that nobody placed, with how often they occur.
    unplaced: dict[str, int] = field(default_factory=dict)


def words_of(log: Log, column: str) -> dict[str, int]:
    """What the column says, with how often; spellings that differ in case or in blanks around them are one word."""
    spellings: dict[str, str] = {}
    counts: dict[str, int] = {}
    for word, count in log.words(column).items():
        spelling = spellings.setdefault(spelled_alike(word), word.strip())
        if spelling:
            counts[spelling] = counts.get(spelling, 0) + count
    return counts


def placed_statuses(log: Log, told: Told, column: str, asking: Asking, remarks: Remarks, *, ends_are_stamped: bool) -> Statuses:
    """What each word of the column means, as `placed_words` does."""
    return placed_words(words_of(log, column), told, column, asking, remarks, ends_are_stamped=ends_are_stamped)


def placed_words(
    words: Mapping[str, int], told: Told, column: str, asking: Asking, remarks: Remarks, *, ends_are_stamped: bool
) -> Statuses:
    """What each word means. Words that nobody can place are among what is missing where they carry what the desk is about.

    `ends_are_stamped`: the end of a case has a column of its own, so no status has to say it.
    """
    if len(words) > MOST_WORDS and not told.statuses:
        raise OpslaError(
            f"column {column!r} has {len(words):,} different values, which are no statuses; name another one with --column status=COLUMN"
        )
    said = _said(told, words, column)
    proposed = signals_of(words)
    if asking.is_allowed and any(proposed[word] is None and word not in said for word in words):
        for signal, meaning in MEANINGS.items():
            asking.say(f"  {signal:<16}  the case {meaning}" if signal.is_status else f"  {signal:<16}  {meaning}")
        asking.say(f"  {IGNORE:<16}  left out on purpose")
    statuses = Statuses()
    for word, count in words.items():
        meant = said.get(word) or proposed[word] or _asked(word, count, asking)
        if meant is None:
            statuses.unplaced[word] = count
        elif meant == IGNORE:
            statuses.ignored.append(word)
        else:
            statuses.placed[word] = Signal(meant)
    remarks.notes.extend(_notes(statuses, said))
    if not asking.is_allowed:
        remarks.missing.extend(_asked_for(words, statuses, column, ends_are_stamped=ends_are_stamped))
    return statuses


def _said(told: Told, words: Mapping[str, int], column: str) -> dict[str, Meaning]:
    """The log's own spelling -> what was said of it. Raises OpslaError for a word that the log has not."""
    spellings = {spelled_alike(word): word for word in words}
    for word, meaning in told.statuses.items():
        if spelled_alike(word) not in spellings:
            raise OpslaError(f"--status {word}={meaning}: column {column!r} of the log has no such word; it has {', '.join(list(words)[:MOST_WORDS])}")
    return {spellings[spelled_alike(word)]: meaning for word, meaning in told.statuses.items()}


def _asked(word: str, count: int, asking: Asking) -> Meaning | None:
    answer = asking.optional(
        f"What does the status {word!r} mean ({counted(count, 'record')}; empty: reject its records)",
        lambda text: None if text.upper() in {*Signal.__members__, IGNORE} else f"{text!r} is none of {', '.join(Signal)}, {IGNORE}",
    )
    if not answer:
        return None
    return "IGNORE" if answer.upper() == IGNORE else Signal(answer.upper())


def _notes(statuses: Statuses, said: Mapping[str, Meaning]) -> list[str]:
    notes = []
    guessed = {word: signal for word, signal in statuses.placed.items() if word not in said}
    if vague := [word for word, signal in guessed.items() if signal == Signal.CUSTOMER_WAIT and is_vague(word)]:
        notes.append(f"{', '.join(vague)}: taken as waiting for the customer; change it with --status '{vague[0]}=ON_HOLD'.")
    if fresh := [word for word, signal in guessed.items() if signal == Signal.INTAKE and folded(word) == WAITS_FOR_US]:
        notes.append(f"{', '.join(fresh)}: taken as a new case, or one that waits for the desk again; change it with --status '{fresh[0]}=INVESTIGATION'.")
    moved = [word for word, signal in guessed.items() if signal == Signal.INVESTIGATION and signal_of(word) == Signal.INTAKE]
    if moved:
        notes.append(
            f"{', '.join(moved)}: taken as worked on, since the log has another word for new cases; change it with --status '{moved[0]}=INTAKE'."
        )
    if statuses.unplaced:
        notes.append(
            f"{counted(sum(statuses.unplaced.values()), 'record')} with a status that is not mapped: rejected (raw.rejected_rows). Map it with "
            f"--status WORD=STATUS (or {IGNORE} to leave it out), or later in sources.yml."
        )
    return notes


def _asked_for(words: Mapping[str, int], statuses: Statuses, column: str, *, ends_are_stamped: bool) -> list[str]:
    """The words that have to be said before anything is written, or nothing: a word or two may be left out, not what the desk is about."""
    if not statuses.unplaced:
        return []
    unplaced, records = sum(statuses.unplaced.values()), sum(words.values())
    has_end = ends_are_stamped or any(signal.value in TERMINAL_STATUSES for signal in statuses.placed.values())
    is_varied = len(set(statuses.placed.values())) >= FEWEST_SIGNALS or ends_are_stamped
    if has_end and is_varied and 100 * unplaced <= MOST_UNPLACED_PCT * records:
        return []
    why = "" if has_end else ", and no known status ends a case"
    flags = " ".join(f"--status '{word}=...'" for word in statuses.unplaced)
    listed = ", ".join(f"{word!r} ({counted(count, 'record')})" for word, count in statuses.unplaced.items())
    return [
        f"Column {column!r} has statuses whose meaning is unknown: {listed}. They make up {unplaced:,} of {counted(records, 'record')} "
        f"({rounded(100 * unplaced / records)}%){why}; map them with {flags}, each to one of {', '.join(Signal)}, or {IGNORE}"
    ]
