"""Gradient-boosted trees: made by scikit-learn, kept as rows of nodes, and asked without it.

Asking needs no scikit-learn, so a refresh does not pay for importing it, a desk without the extra keeps what it has, and what is stored is a table and
no pickle. Belongs here: fitting, nodes, predictions. Does not belong here: what is predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from opsla_dagster.errors import OpslaError
from opsla_dagster.risk_model.encoding import Floats
from opsla_dagster.risk_model.parameters import SEED, TREES, WORDS

#: How far our own answers may lie from scikit-learn's: sums in another order.
_TOLERANCE = 1e-9
_WORD_BITS = 32
_BITSETS = 8  # of 32 bits: the 256 codes of a text
#: The arrays of Trees, and of which kind they are.
_KINDS: dict[str, Any] = {
    "roots": np.int64, "feature": np.int64, "threshold": np.float64, "is_missing_left": np.bool_, "is_by_code": np.bool_, "codes": np.uint32,
    "left": np.int64, "right": np.int64, "value": np.float64, "is_leaf": np.bool_,
}


@dataclass(frozen=True)
class Trees:
    """Trees as arrays over their nodes; a row's answer is `start` and the values of the leaves it reaches.

    `roots` are the positions of the first nodes. A node that is no leaf sends a row to `left` where the feature is at most `threshold`, or its code is among
    `codes` (a bit each), or it is missing and `is_missing_left`.
    """

    start: float
    roots: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int64]
    threshold: Floats
    is_missing_left: npt.NDArray[np.bool_]
    is_by_code: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.uint32]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    #: Of a leaf what it adds to an answer; of another node the mean of its leaves, by the rows that reached them.
    value: Floats
    is_leaf: npt.NDArray[np.bool_]

    def to_json(self) -> dict[str, Any]:
        """As lists, for a table."""
        return {"start": self.start, **{name: getattr(self, name).tolist() for name in _KINDS}}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Trees:
        """What `to_json` made."""
        return cls(start=told["start"], **{name: np.array(told[name], dtype=kind) for name, kind in _KINDS.items()})

    def answers(self, rows: Floats) -> Floats:
        """One answer a row of encoded features."""
        total = np.full(len(rows), self.start)
        everyone = np.arange(len(rows))
        for root in self.roots:
            at = np.full(len(rows), root)
            moving = everyone[~self.is_leaf[at]]
            while len(moving):
                here = at[moving]
                asked = rows[moving, self.feature[here]]
                at[moving] = np.where(self._goes_left(here, asked), self.left[here], self.right[here])
                moving = moving[~self.is_leaf[at[moving]]]
            total += self.value[at]
        return total

    def explained(self, rows: Floats) -> tuple[Floats, Floats]:
        """`answers`, and how much each feature moved each row's away from that of all rows: along its path, each question is credited with what its answer changed."""
        total, moved = np.full(len(rows), self.start), np.zeros((len(rows), rows.shape[1]))
        everyone = np.arange(len(rows))
        for root in self.roots:
            at = np.full(len(rows), root)
            moving = everyone[~self.is_leaf[at]]
            while len(moving):
                here = at[moving]
                feature = self.feature[here]
                then = np.where(self._goes_left(here, rows[moving, feature]), self.left[here], self.right[here])
                moved[moving, feature] += self.value[then] - self.value[here]
                at[moving] = then
                moving = moving[~self.is_leaf[then]]
            total += self.value[at]
        return total, moved

    def _goes_left(self, here: npt.NDArray[np.int64], asked: Floats) -> npt.NDArray[np.bool_]:
        is_missing = np.isnan(asked)
        code = np.where(is_missing, 0, asked).astype(np.int64).clip(0, _BITSETS * _WORD_BITS - 1)
        bits = self.codes[here, code // _WORD_BITS] >> (code % _WORD_BITS).astype(np.uint32)
        answer = np.where(self.is_by_code[here], (bits & 1).astype(bool), asked <= self.threshold[here])
        return np.where(is_missing, self.is_missing_left[here], answer)


def fit(rows: Floats, wanted: Floats, loss: Literal["log_loss", "absolute_error"]) -> Trees:
    """Trees that tell `wanted` (0 and 1 with log_loss: their answers are log-odds) of encoded `rows`. The same rows give the same trees.

    Raises ImportError where scikit-learn is not installed, and OpslaError where its trees cannot be read: of a version that keeps them otherwise.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor  # type: ignore[import-untyped]
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    settings: dict[str, Any] = {
        **TREES[loss],
        "loss": loss,
        "early_stopping": False,
        "random_state": SEED,
        "categorical_features": list(range(len(WORDS))),
    }
    made = (HistGradientBoostingClassifier if loss == "log_loss" else HistGradientBoostingRegressor)(**settings)
    # A column without any value cannot be binned; a constant one is never asked.
    known = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    present = [np.unique(column[~np.isnan(column)]).astype(np.int64) for column in known[:, : len(WORDS)].T]
    for column, codes in enumerate(present):
        known[:, column] = np.where(np.isnan(known[:, column]), np.nan, np.searchsorted(codes, known[:, column]))
    with threadpool_limits(1):
        made.fit(known, wanted)
        trees = _with_our_codes(_read(made), present)
        checked = slice(None, None, max(1, len(rows) // 200))
        theirs = made.decision_function(known[checked]) if loss == "log_loss" else made.predict(known[checked])
    if not np.allclose(trees.answers(rows[checked]), theirs, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise OpslaError(_unreadable("answers differ from scikit-learn's own"))
    return trees


def _unreadable(why: str) -> str:
    import sklearn  # type: ignore[import-untyped]

    return (
        f"the trees of scikit-learn {sklearn.__version__} cannot be read ({why}); install the version that requirements.lock names: "
        "pip install 'opsla[predict]' with that file as a constraint"
    )


def _read(made: Any) -> Trees:
    """The nodes of a fitted model, those of all trees one after the other."""
    try:
        predictors = [iteration[0] for iteration in made._predictors]
        start = float(np.ravel(made._baseline_prediction)[0])
        nodes = np.concatenate([each.nodes for each in predictors])
        bitsets = [each.raw_left_cat_bitsets for each in predictors]
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise OpslaError(_unreadable(str(error))) from error
    counts = [len(each.nodes) for each in predictors]
    roots = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    shift = np.repeat(roots, counts)
    left, right = nodes["left"].astype(np.int64) + shift, nodes["right"].astype(np.int64) + shift
    is_leaf, is_by_code = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
    codes = np.zeros((len(nodes), _BITSETS), dtype=np.uint32)
    for tree, offset, count in zip(bitsets, roots, counts, strict=True):
        asked = offset + np.flatnonzero(is_by_code[offset : offset + count])
        codes[asked] = tree[nodes["bitset_idx"][asked]]
    # What comes out of an infinite threshold (missing against the rest) has to be written as a number.
    threshold = np.nan_to_num(nodes["num_threshold"].astype(np.float64), posinf=np.finfo(np.float64).max)
    return Trees(
        start=start, roots=roots, feature=nodes["feature_idx"].astype(np.int64), threshold=threshold,
        is_missing_left=nodes["missing_go_to_left"].astype(bool), is_by_code=is_by_code, codes=codes, left=left, right=right,
        value=_means(nodes["value"].astype(np.float64), nodes["count"].astype(np.float64), left, right, is_leaf), is_leaf=is_leaf,
    )  # fmt: skip


def _with_our_codes(trees: Trees, present: Sequence[npt.NDArray[np.int64]]) -> Trees:
    """Nodes that ask for positions among the codes that were there, asking for our codes; one that was not there goes where missing goes."""
    codes = np.zeros_like(trees.codes)
    for node in np.flatnonzero(trees.is_by_code & ~trees.is_leaf):
        there = present[trees.feature[node]]
        goes_left = np.full(_BITSETS * _WORD_BITS, trees.is_missing_left[node])
        goes_left[there] = _bits(trees.codes[node])[: len(there)]
        codes[node] = np.packbits(goes_left, bitorder="little").view("<u4")
    return replace(trees, codes=codes)


def _bits(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    return np.unpackbits(codes.astype("<u4").view(np.uint8), bitorder="little").astype(bool)


def _means(value: Floats, count: Floats, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], is_leaf: npt.NDArray[np.bool_]) -> Floats:
    """Values of leaves, and of the other nodes the means of their leaves: children stand behind their parent."""
    means = value.copy()
    for node in np.flatnonzero(~is_leaf)[::-1]:
        sides = count[left[node]] + count[right[node]]
        means[node] = (means[left[node]] * count[left[node]] + means[right[node]] * count[right[node]]) / sides
    return means
