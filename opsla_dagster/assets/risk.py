"""Rows of the area `risk` that are made in Python: models, what they say of the open clocks, how they did, and what they said before.

Belongs here: one entry a table, and when a model is made anew. Does not belong here: the arithmetic (risk_model/).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.mixtures import refuse_mixtures
from opsla_dagster.assets.python_rows import as_table, unless_unchanged
from opsla_dagster.assets.rules import settings_fingerprint
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.identity import code_identity, identity_of_tables
from opsla_dagster.risk_model import parameters
from opsla_dagster.settings.sources import final_attributes
from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.relations import is_there
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import Window

if TYPE_CHECKING:
    from opsla_dagster.risk_model.model import Model

_FINAL = "staging.final_attributes"
_FEATURES, _MODELS, _RISK, _PREDICTIONS = "mart.risk_features", "ops.risk_models", "mart.open_case_risk", "mart.risk_predictions"
_CARD, _CALIBRATION = "mart.risk_model_card", "mart.risk_calibration"
#: The code that says what models are, and what they say of open clocks.
CODE = ("assets/risk.py", "risk_model/*.py", "figures.py")
#: Models that are kept as they were read: those of a few metrics.
_MODELS_KEPT = 16
#: The start of the week that holds now, and now: naive UTC.
_CUTS = """
    select coalesce(max(days.starts_at), desk_now.now_at), desk_now.now_at
    from mart.desk_now as desk_now
    left join (
        select local_date, min(segment_start_at) as starts_at from staging.business_time where calendar = 'desk' group by local_date
    ) as days on isodow(days.local_date) = 1 and days.starts_at <= desk_now.now_at and days.starts_at > desk_now.now_at - interval 8 day
    group by desk_now.now_at
"""
#: No more are counted than are asked for.
_CLOSED_BEFORE = """
    select count(*)
    from (select 1 from staging.sla_clocks where stopped_at < $cut_at and outcome in ('met', 'breached') and not is_superseded limit $fewest) as clocks
"""


def _final_attributes(scope: Scope, part: Window | None) -> pa.Table:
    return as_table(_FINAL, [{"source": source, "attribute": attribute} for source, attribute in final_attributes(scope.settings.sources)])


def _code_fingerprint(scope: Scope) -> str:
    """Identity of what a model is made by: features, samples, parameters, promises and calendars."""
    from opsla_dagster.risk_model import samples

    told = [
        load_sql(sql_path(_FEATURES)), samples.SQL_TEXT, settings_fingerprint(scope.settings), repr(final_attributes(scope.settings.sources)),
        *(f"{name} {value}" for name, value in sorted(vars(parameters).items()) if name.isupper()),
    ]  # fmt: skip
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _cut(scope: Scope) -> tuple[datetime | None, bool]:
    """What is made of what had stopped before it: the start of the week, so that a week has one model; now, while a desk is younger than that; None: nothing is loaded.

    Beside it whether it is the week's.
    """
    found = scope.connection.execute(_CUTS).fetchone()
    if found is None:
        return None, False
    week_start: datetime = found[0]
    now_at: datetime = found[1]
    closed = scope.connection.execute(_CLOSED_BEFORE, {"cut_at": week_start, "fewest": parameters.MIN_CLOCKS}).fetchone()
    is_weeks = bool(closed and closed[0] >= parameters.MIN_CLOCKS)
    return (week_start if is_weeks else now_at), is_weeks


def _held_models(scope: Scope) -> list[dict[str, Any]]:
    if not is_there(scope.connection, _MODELS):
        return []
    rows: list[dict[str, Any]] = scope.connection.sql(f"select * from {_MODELS} order by metric").to_arrow_table().to_pylist()
    return rows


def _risk_models(scope: Scope, part: Window | None) -> pa.Table:
    """The models there are, where they are this week's; else of what has stopped by now, made anew where that is something else.

    What a young desk holds is looked at each time: more of the log may have been loaded.
    """
    (cut_at, is_weeks), code, held = _cut(scope), _code_fingerprint(scope), _held_models(scope)
    if cut_at is None:
        return as_table(_MODELS, [])
    if is_weeks and held and all(row["cut_at"] == cut_at and row["code_fingerprint"] == code for row in held):
        return as_table(_MODELS, held)
    from opsla_dagster.risk_model import model, samples

    rows = samples.examples(scope.connection, cut_at)
    made = []
    metrics = sorted(set(rows["metric"].to_pylist()))
    fit_rows = max(parameters.FIT_ROWS // max(len(metrics), 1), parameters.MIN_FIT_ROWS)
    for metric in metrics:
        own = rows.filter(pc.equal(rows["metric"], metric))
        data = model.data_fingerprint(own)
        same = next((row for row in held if (row["metric"], row["cut_at"], row["data_fingerprint"], row["code_fingerprint"]) == (metric, cut_at, data, code)), None)
        content = same["content"] if same else model.train(metric, own, cut_at, fit_rows).to_json()
        made.append({
            "metric": metric, "risk_model": hashlib.sha256(f"{metric} {cut_at} {data} {code}".encode()).hexdigest()[:12], "cut_at": cut_at, "data_fingerprint": data,
            "code_fingerprint": code, "content": content,
        })  # fmt: skip
    return as_table(_MODELS, made)


def _models(scope: Scope) -> Iterator[tuple[dict[str, Any], Model]]:
    """Each row of ops.risk_models with the model that it holds."""
    for row in _held_models(scope):
        yield row, _model_of(row["content"])


@lru_cache(maxsize=_MODELS_KEPT)
def _model_of(content: str) -> Model:
    """The model as it is kept, a megabyte of text: three tables of a run ask it."""
    from opsla_dagster.risk_model.model import Model

    return Model.from_json(content)


def _open_case_risk(scope: Scope, part: Window | None) -> pa.Table:
    told = [code_identity(CODE, ("numpy",)), scope.settings.sla_policies.model_dump_json()]
    return unless_unchanged(scope, _RISK, identity_of_tables(scope.connection, [_FEATURES, _MODELS], told), lambda: _risk_rows(scope))


def _risk_rows(scope: Scope) -> list[dict[str, Any]]:
    from opsla_dagster.risk_model.agreeing import unpaused_metrics
    from opsla_dagster.risk_model.judging import judged

    features = scope.connection.sql(f"select * from {_FEATURES} order by metric, case_id, policy, cycle").to_arrow_table()
    return judged(features, {row["metric"]: made for row, made in _models(scope)}, unpaused_metrics(scope.settings.sla_policies))


def _of_models(scope: Scope, name: str, make: Callable[[Scope], Iterable[dict[str, Any]]]) -> pa.Table:
    """The rows of a table that follows from the models alone."""
    identity = identity_of_tables(scope.connection, [_MODELS], [code_identity(CODE, ())])
    return unless_unchanged(scope, name, identity, lambda: make(scope))


def _card_rows(scope: Scope) -> Iterator[dict[str, Any]]:
    for held, made in _models(scope):
        told = {name: datetime.fromisoformat(value) if name.endswith("_at") and value else value for name, value in made.card.items()}
        drift = (
            told["calibration_breach_pct"] - told["training_breach_pct"]
            if told["calibration_breach_pct"] is not None and told["training_breach_pct"] is not None
            else None
        )
        yield {
            "test_predictions": 0, **told, "metric": held["metric"], "risk_model": held["risk_model"], "cut_at": held["cut_at"], "served_reason": told["reason"],
            "drift_points": drift, "data_fingerprint": held["data_fingerprint"], "code_fingerprint": held["code_fingerprint"],
        }  # fmt: skip


def _calibration_rows(scope: Scope) -> Iterator[dict[str, Any]]:
    for held, made in _models(scope):
        for decile in made.deciles:
            yield {
                "metric": held["metric"], "probability_decile": decile["decile"], "predictions": decile["predictions"],
                "predicted_breach_pct": 100 * decile["predicted"], "happened_pct": 100 * decile["happened"],
            }  # fmt: skip


#: Of a local date the first predictions stand: later ones would know more, and a rerun tells them again.
_NEW_PREDICTIONS = f"""
    select
        desk_now.now_date as predicted_date, risk.predicted_at, risk.source, risk.case_id, risk.intake_date, risk.policy, risk.metric, risk.cycle, models.risk_model,
        risk.breach_probability, risk.probability_source, risk.remaining_p10_business_minutes, risk.remaining_p50_business_minutes,
        risk.remaining_p90_business_minutes
    from {_RISK} as risk
    cross join mart.desk_now as desk_now
    left join {_MODELS} as models on risk.metric = models.metric
    where not exists (select 1 from {_PREDICTIONS} as told where told.predicted_date = desk_now.now_date)
    order by risk.case_id, risk.policy, risk.metric, risk.cycle
"""


def _risk_predictions(scope: Scope, part: Window | None) -> pa.Table:
    return scope.connection.sql(_NEW_PREDICTIONS).to_arrow_table()


def _before_predictions(scope: Scope) -> None:
    ensure_table(scope.connection, TABLES[_PREDICTIONS])


_READ_BY_FEATURES = sorted(tables_read_by(sql_path(_FEATURES)) - {"mart.risk_instants"})

RISK = {
    _FINAL: PythonTable(_final_attributes, before=refuse_mixtures),
    _MODELS: PythonTable(_risk_models, deps=sorted({*_READ_BY_FEATURES, "staging.sla_clocks", "mart.desk_now"})),
    _RISK: PythonTable(_open_case_risk, deps=[_FEATURES, _MODELS]),
    _CARD: PythonTable(lambda scope, _: _of_models(scope, _CARD, _card_rows), deps=[_MODELS]),
    _CALIBRATION: PythonTable(lambda scope, _: _of_models(scope, _CALIBRATION, _calibration_rows), deps=[_MODELS]),
    _PREDICTIONS: PythonTable(_risk_predictions, deps=[_RISK, _MODELS, "mart.desk_now"], before=_before_predictions),
}
