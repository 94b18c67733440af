"""One metric's model: made of closed clocks, checked against its baselines, asked about open ones.

The clocks are taken in the order in which their outcome became known (for remaining times: of their stops): trees are made of the oldest, of which nothing was
learnt after the cut that the others lie behind; the next ones bring what is said to what happened; the latest test that, and once tested they take part in the correction. Belongs here: the order of things. Does not
belong here: arithmetic of its own (the modules beside this one).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from opsla_dagster.figures import rounded
from opsla_dagster.risk_model import parameters, scores
from opsla_dagster.risk_model.baselines import ByShare, by_share, by_value, said_by_value
from opsla_dagster.risk_model.calibrating import (
    AS_SAID,
    LEAST,
    MOST,
    Recalibration,
    Spread,
    recalibrated,
    spread,
    to_log_odds,
)
from opsla_dagster.risk_model.encoding import Floats, encoded, vocabulary
from opsla_dagster.risk_model.trees import Trees, fit

#: Closed clocks from which on a share is worth saying.
MIN_COUNTED_CLOCKS = 30
NOTHING_COUNTED = ByShare(0, (), (), ())
#: Standard errors by which the mean squared difference has to be smaller than a baseline's: a smaller one may be chance.
MIN_GAIN = 1.0
#: Test rows below which nobody can say which of two is better.
MIN_TEST_ROWS = 50


@dataclass(frozen=True)
class Model:
    """What is known of one metric's clocks. `card` has what mart.risk_model_card tells; without trees the baseline serves, for `card["reason"]`."""

    metric: str
    card: Mapping[str, Any]
    deciles: tuple[Mapping[str, Any], ...]
    #: Counted over all closed clocks: what serves without trees.
    baseline: ByShare
    #: Counted over the clocks that the trees are made of: what the correction weighs beside them.
    shares: ByShare
    words: Mapping[str, list[str]]
    breach: Trees | None
    recalibration: Recalibration
    remaining: Trees | None
    spread: Spread | None

    def to_json(self) -> str:
        told = {
            "metric": self.metric, "card": dict(self.card), "deciles": [dict(each) for each in self.deciles], "baseline": self.baseline.to_json(), "shares": self.shares.to_json(),
            "words": dict(self.words), "breach": self.breach and self.breach.to_json(), "recalibration": asdict(self.recalibration),
            "remaining": self.remaining and self.remaining.to_json(), "spread": self.spread and asdict(self.spread),
        }  # fmt: skip
        return json.dumps(told)

    @classmethod
    def from_json(cls, text: str) -> Model:
        told = json.loads(text)
        return cls(
            metric=told["metric"], card=told["card"], deciles=tuple(told["deciles"]), baseline=ByShare.from_json(told["baseline"]),
            shares=ByShare.from_json(told["shares"]), words=told["words"],
            breach=Trees.from_json(told["breach"]) if told["breach"] else None, recalibration=Recalibration(**told["recalibration"]),
            remaining=Trees.from_json(told["remaining"]) if told["remaining"] else None,
            spread=Spread(**{name: tuple(values) for name, values in told["spread"].items()}) if told["spread"] else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Of rows of features: probability, p10, p50 and p90 of the open minutes left (NaN: unknown), what moved each feature, and what it rests on."""

    probabilities: Floats
    left: Floats
    effects: Floats | None
    source: str


def data_fingerprint(rows: pa.Table) -> str:
    """Changes when a row does that a model is made of."""
    identity = hashlib.sha256()
    for name in rows.column_names:
        identity.update(name.encode())
        column = rows[name].combine_chunks()
        values = pc.fill_null(pc.cast(column, pa.string()), "\0")
        identity.update("\1".join(values.to_pylist()).encode())
    return identity.hexdigest()[:16]


def train(metric: str, rows: pa.Table, cut_at: datetime, fit_rows: int = parameters.FIT_ROWS) -> Model:
    """The model of one metric from rows of samples.examples, in the order in which their outcome became known, all before `cut_at`; trees are made of about `fit_rows` of them."""
    parts, stop_parts = _parts(rows, "known_at"), _parts(rows, "stopped_at")
    card: dict[str, Any] = {"cut_at": cut_at.isoformat(), **_window(rows, parts)}
    everyone = np.ones(len(rows), dtype=bool)
    baseline = _counted(rows, everyone)
    bare = Model(metric, {**card, "served": "baseline", "reason": ""}, (), baseline, baseline, {}, None, AS_SAID, None, None)
    reason = _why_nothing_of_late(rows, cut_at)
    if reason:
        nothing = replace(bare, baseline=NOTHING_COUNTED, shares=NOTHING_COUNTED)  # its remaining times would be of what is left over, too
        return _served(nothing, card, "unknown", reason)
    reason = _why_no_trees(rows, parts)
    if reason:
        return _served(bare, card, "baseline" if baseline.clocks >= MIN_COUNTED_CLOCKS else "unknown", reason)
    words = vocabulary(rows.filter(pa.array(parts == 0)))
    features = encoded(rows, words)
    happened, used, left = _labels(rows)
    inside = used <= 1
    grown = (parts == 0) & _thinned(rows, parts, fit_rows)
    breach = fit(features[grown & inside], happened[grown & inside], "log_loss") if _has_both(happened[grown & inside]) else None
    timed = (stop_parts == 0) & _thinned(rows, stop_parts, fit_rows)
    remaining = fit(features[timed], np.log1p(left[timed]), "absolute_error") if timed.any() else None
    late = parts > 0
    log_odds = _answers(breach, features, late) if breach else np.zeros(len(rows))
    tested, deciles = _tested(rows, parts, log_odds if breach else None)
    counted = _counted(rows, (parts == 0) & inside)
    shares = to_log_odds(counted.probabilities(used))
    corrected = recalibrated(log_odds[late & inside], shares[late & inside], happened[late & inside]) if breach else AS_SAID
    card |= tested
    around = None
    if remaining is not None:
        expected = _answers(remaining, features, stop_parts > 0)
        around = spread(expected[stop_parts > 0], np.log1p(left[stop_parts > 0]))
        card |= _timed(rows, stop_parts, expected)
    made = Model(metric, card, deciles, baseline, counted, words, breach, corrected, remaining, around)
    if breach is None:
        return _served(made, card, "baseline", _too_few(happened[grown & inside]))
    reason = _why_not_better(card)
    return _served(made, card, "baseline" if reason else "model", reason or "it beats both baselines on the latest closed clocks")


def _served(model: Model, card: Mapping[str, Any], served: str, reason: str) -> Model:
    return replace(model, card={**card, "served": served, "reason": reason})


def _answers(trees: Trees, features: Floats, asked: npt.NDArray[np.bool_]) -> Floats:
    """Of the rows asked; NaN of the others."""
    answers = np.full(len(features), np.nan)
    answers[asked] = trees.answers(features[asked])
    return answers


def _labels(rows: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Broke (0 or 1), share of the target used at the instant, open minutes left."""
    broke = np.asarray(rows["is_breached"].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    used = np.asarray(rows["target_used_share"].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    left = np.asarray(rows["remaining_business_minutes"].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    return broke, np.nan_to_num(used), np.maximum(left, 0)


def _clock_numbers(rows: pa.Table) -> npt.NDArray[np.int64]:
    """A number a clock, in the order in which the rows first name it."""
    names = [pc.cast(rows[name], pa.string()) for name in ("case_id", "policy", "cycle")]
    keys = pc.binary_join_element_wise(*names, "\1")
    return np.asarray(pc.dictionary_encode(keys).combine_chunks().indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _one_a_clock(rows: pa.Table, values: npt.NDArray[Any], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Of the chosen rows the value of the first of each clock: one is looked at several times, and has it in each."""
    _, first = np.unique(_clock_numbers(rows)[chosen], return_index=True)
    return values[chosen][first]


def _parts(rows: pa.Table, by: str) -> npt.NDArray[np.int64]:
    """0: makes trees; 1: corrects; 2: tests; -1: has no such instant. By the instant `by` of the clocks; those of one instant stay together."""
    found = np.asarray(pc.is_valid(rows[by]).to_numpy(zero_copy_only=False), dtype=np.bool_) if len(rows) else np.zeros(0, dtype=np.bool_)
    if not found.any():
        return np.full(len(rows), -1, dtype=np.int64)
    instants = np.asarray(pc.fill_null(pc.cast(rows[by], pa.int64()), 0).to_numpy(zero_copy_only=False), dtype=np.int64)
    by_clock = np.sort(_one_a_clock(rows, instants, found))
    cuts = [by_clock[min(int(len(by_clock) * share), len(by_clock) - 1)] for share in (parameters.FIT_SHARE, parameters.CALIBRATION_SHARE)]
    return np.where(found, np.searchsorted(np.array(cuts), instants, side="right"), -1).astype(np.int64)


def _thinned(rows: pa.Table, parts: npt.NDArray[np.int64], fit_rows: int) -> npt.NDArray[np.bool_]:
    """Rows of every n-th clock, so that trees are made of no more than they can be in the time a run has."""
    step = max(1, -(-int((parts == 0).sum()) // fit_rows))
    return np.asarray(_clock_numbers(rows) % step == 0, dtype=np.bool_)


def _clocks(rows: pa.Table, chosen: npt.NDArray[np.bool_]) -> int:
    return len(np.unique(_clock_numbers(rows)[chosen])) if len(rows) else 0


def _counted(rows: pa.Table, chosen: npt.NDArray[np.bool_]) -> ByShare:
    happened, used, left = _labels(rows)
    if not chosen.any():
        return NOTHING_COUNTED
    return by_share(used[chosen], happened[chosen], left[chosen], _clocks(rows, chosen))


def _window(rows: pa.Table, parts: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Which clocks trained, and how many of them broke."""
    happened, _, _ = _labels(rows)
    told: dict[str, Any] = {}
    for number, name in enumerate(("training", "calibration", "test")):
        chosen = parts == number
        told[f"{name}_clocks"] = _clocks(rows, chosen)
        told[f"{name}_breach_pct"] = _breach_pct(rows, happened, chosen)
        instants = rows["known_at"].filter(pa.array(chosen)) if len(rows) else rows["known_at"]
        told[f"{name}_from_at"] = _iso(pc.min(instants).as_py())
        told[f"{name}_to_at"] = _iso(pc.max(instants).as_py())
    return told


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _breach_pct(rows: pa.Table, happened: Floats, chosen: npt.NDArray[np.bool_]) -> float | None:
    """Of clocks, not of rows: one is looked at several times."""
    if not chosen.any():
        return None
    return float(100 * _one_a_clock(rows, happened, chosen).mean())


def _why_no_trees(rows: pa.Table, parts: npt.NDArray[np.int64]) -> str:
    clocks = _clocks(rows, parts >= 0) if len(rows) else 0
    if clocks < MIN_COUNTED_CLOCKS:
        return f"too little history: {clocks} clocks with an outcome, and a share is said from {MIN_COUNTED_CLOCKS} on"
    if clocks < parameters.MIN_CLOCKS:
        return f"too little history for a model: {clocks} clocks with an outcome, {parameters.MIN_CLOCKS} are needed"
    if find_spec("sklearn") is None:
        return "scikit-learn is not installed: pip install 'opsla[predict]'"
    return ""


def _why_nothing_of_late(rows: pa.Table, cut_at: datetime) -> str:
    """Why what closes now tells nothing of the clocks that come in now; empty where it does, and where no four weeks lie before the latest four."""
    if not len(rows):
        return ""
    instants = np.asarray(pc.cast(rows["known_at"], pa.timestamp("us")).to_numpy(zero_copy_only=False), dtype="datetime64[us]")
    known_at = _one_a_clock(rows, instants, ~np.isnat(instants))
    lately = np.timedelta64(parameters.LATELY_DAYS, "D")
    since = np.datetime64(cut_at, "us") - lately
    earlier = known_at[known_at < since]
    if not len(earlier) or since - earlier.min() < lately:
        return ""
    usual = len(earlier) * (lately / (since - earlier.min()))
    share = (len(known_at) - len(earlier)) / usual
    if share >= parameters.LEAST_LATELY_SHARE:
        return ""
    return (
        f"too little of late: in the latest {parameters.LATELY_DAYS} days {share:.0%} as many clocks came to an outcome as in as many days before; "
        f"they are what is left over of another time, and {parameters.LEAST_LATELY_SHARE:.0%} are needed"
    )


def _has_both(happened: Floats) -> bool:
    return bool(min(happened.sum(), len(happened) - happened.sum()) >= parameters.MIN_OF_EACH_OUTCOME)


def _too_few(happened: Floats) -> str:
    broke = int(happened.sum())
    rare, count = ("broke", broke) if broke * 2 <= len(happened) else ("were kept", len(happened) - broke)
    return f"nothing to learn from: {count} of {len(happened)} looks at clocks of the training window {rare}, {parameters.MIN_OF_EACH_OUTCOME} are needed"


def _timed(rows: pa.Table, parts: npt.NDArray[np.int64], expected: Floats) -> dict[str, Any]:
    """How the remaining time, with the errors of part 1, did on part 2; beside what is counted over both parts before it."""
    _, used, left = _labels(rows)
    corrects, tests = parts == 1, parts == 2
    if not tests.any():
        return {}
    low, middle, high = spread(expected[corrects], np.log1p(left[corrects])).around(expected[tests])
    actual = np.log1p(left[tests])
    counted = _counted(rows, (parts == 0) | corrects).remaining(used[tests])[:, 1]
    return {
        "interval_coverage_pct": float(100 * np.mean((low <= actual) & (actual <= high))),
        "remaining_error_business_minutes": float(np.mean(np.abs(np.expm1(middle) - left[tests]))),
        "baseline_remaining_error_business_minutes": None if np.isnan(counted).any() else float(np.mean(np.abs(counted - left[tests]))),
    }


def _tested(rows: pa.Table, parts: npt.NDArray[np.int64], log_odds: Floats | None) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """How the trees, corrected on part 1, did on part 2, which neither of them has seen; and the baselines, counted over both parts before it."""
    happened, used, _ = _labels(rows)
    inside = used <= 1
    before, corrects, tests = parts < 2, parts == 1, parts == 2
    told: dict[str, Any] = {"test_predictions": int((tests & inside).sum())}
    judged = tests & inside
    priorities = rows["priority"].to_pylist()
    by_priority = by_value([each for each, is_in in zip(priorities, before & inside, strict=True) if is_in], happened[before & inside])
    answers = {
        "priority": said_by_value(by_priority, [each for each, is_in in zip(priorities, judged, strict=True) if is_in]),
        "target_used": _counted(rows, before & inside).probabilities(used[judged]) if (before & inside).any() else np.full(int(judged.sum()), np.nan),
    }
    deciles: tuple[dict[str, Any], ...] = ()
    if log_odds is not None and (corrects & inside).any():
        shares = to_log_odds(_counted(rows, (parts == 0) & inside).probabilities(used))
        corrected = recalibrated(log_odds[corrects & inside], shares[corrects & inside], happened[corrects & inside])
        answers["model"] = corrected.probabilities(log_odds[judged], shares[judged])
        deciles = tuple(asdict(each) for each in scores.calibration(answers["model"], happened[judged]))
    for name, said in answers.items():
        if name != "model" and "model" in answers:
            told[f"{name}_gain"] = _gain((said - happened[judged]) ** 2 - (answers["model"] - happened[judged]) ** 2)
        told[f"{name}_auc"] = scores.auc(said, happened[judged])
        told[f"{name}_brier"] = scores.brier(said, happened[judged])
    return told, deciles


def _gain(differences: Floats) -> float:
    """By how many standard errors the mean of `differences` lies above zero."""
    if len(differences) < 2:
        return 0.0
    spread_of_mean = float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return float(differences.mean() / spread_of_mean) if spread_of_mean else 0.0


def _why_not_better(card: Mapping[str, Any]) -> str:
    """Why the trees do not serve; empty where they beat what is simply counted."""
    if card["test_predictions"] < MIN_TEST_ROWS:
        return f"too little history for a test: {card['test_predictions']} predictions, {MIN_TEST_ROWS} are needed"
    rules = {"priority": "the priority alone", "target_used": "the share of the target used alone"}
    unbeaten = [(card[f"{name}_brier"], words) for name, words in rules.items() if card[f"{name}_brier"] is not None and card[f"{name}_gain"] < MIN_GAIN]
    if not unbeaten:
        return ""
    other, words = min(unbeaten)
    return f"the model does not beat {words} by more than chance: Brier {rounded(card['model_brier'], 4)} against {rounded(other, 4)}"


def ask(model: Model, rows: pa.Table) -> Answers:
    """What `model` says of rows of features; what is past its target is for the caller to say."""
    used = _used(rows)
    features = encoded(rows, model.words) if model.words else np.empty((len(rows), 0))
    left = _left(model, features, used)
    if model.card["served"] == "model" and model.breach is not None:
        log_odds, effects = model.breach.explained(features)
        said = model.recalibration.probabilities(log_odds, to_log_odds(model.shares.probabilities(used)))
        return Answers(said, left, effects, "model")
    if model.card["served"] == "baseline":
        return Answers(np.clip(model.baseline.probabilities(used), LEAST, MOST), left, None, "baseline")
    return Answers(np.full(len(rows), np.nan), left, None, "unknown")


def _used(rows: pa.Table) -> Floats:
    return np.asarray(rows["target_used_share"].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _left(model: Model, features: Floats, used: Floats) -> Floats:
    if model.remaining is not None and model.spread is not None:
        bounds = model.spread.around(model.remaining.answers(features))
        return np.maximum(np.expm1(np.column_stack(bounds)), 0)
    if model.baseline.clocks >= MIN_COUNTED_CLOCKS:
        return model.baseline.remaining(used)
    return np.full((len(used), 3), np.nan)
