"""Rows of mart.risk_features as numbers: what a tree can ask.

A text is the position of its value among those that were frequent when the model was made; one that is unknown, rare or new is missing, as NULL is. Belongs
here: that coding. Does not belong here: what the columns mean (catalog/risk.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from opsla_dagster.risk_model.parameters import MAX_VALUES, NUMBERS, WORDS

Floats = npt.NDArray[np.float64]
#: Text column -> its values in the order of their codes.
Vocabulary = Mapping[str, Sequence[str]]


def vocabulary(rows: pa.Table) -> dict[str, list[str]]:
    """The values of each text that are told apart: the most frequent ones of `rows`, in alphabetical order."""
    found = {}
    for name in WORDS:
        counted = pc.value_counts(rows[name].drop_null()).to_pylist()
        frequent = sorted(counted, key=lambda each: (-each["counts"], each["values"]))[:MAX_VALUES]
        found[name] = sorted(str(each["values"]) for each in frequent)
    return found


def encoded(rows: pa.Table, words: Vocabulary) -> Floats:
    """One line a row, one column a feature in the order of FEATURES; missing is NaN."""
    numbers = [_numbers(rows, name) for name in NUMBERS]
    codes = [_codes(rows[name], words[name]) for name in WORDS]
    return np.column_stack([*codes, *numbers]) if len(rows) else np.empty((0, len(NUMBERS) + len(WORDS)))


def _numbers(rows: pa.Table, name: str) -> Floats:
    if name == "queue_load":
        usual = _floats(rows["usual_queue_open_cases"])
        with np.errstate(divide="ignore", invalid="ignore"):
            load = _floats(rows["queue_open_cases"]) / np.where(usual > 0, usual, np.nan)
        return np.asarray(load, dtype=np.float64)
    return _floats(rows[name])


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _codes(column: pa.ChunkedArray, values: Sequence[str]) -> Floats:
    if not values:
        return np.full(len(column), np.nan)
    found = pc.index_in(column.cast(pa.string()), value_set=pa.array(values, pa.string()))
    return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
