"""Models of the extra opsla[statsforecast]: further candidates for the forecast of arrivals, where config/forecast.yml names them.

They take seconds a series, so few series and one origin a week are asked. Belongs here: asking that library. Does not belong here: which model serves
(backtest.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from opsla_dagster.forecasting.backtest import HORIZON, Series, all_origins, known_at
from opsla_dagster.forecasting.models import Floats

#: The busiest series are asked, no others.
MOST_SERIES = 5
#: Days of history that a model sees.
_HISTORY_DAYS = 364
_EXTRA = "statsforecast"


def is_installed() -> bool:
    """Whether the extra is there; nothing of it is imported."""
    return find_spec(_EXTRA) is not None


def installed_version() -> str | None:
    """Which version of it there is, whose arithmetic the forecasts are; None without the extra."""
    return version(_EXTRA) if is_installed() else None


def challenge(series: Series, name: str, asked: Sequence[int]) -> Floats:
    """Forecasts `(series, origins, horizon)` at `all_origins`: of the series at the places `asked`, at every seventh origin up to today; else NaN."""
    from statsforecast.models import MSTL, AutoETS  # type: ignore[import-untyped]

    model = AutoETS(season_length=7) if name == "AutoETS" else MSTL(season_length=7)
    origins = all_origins(series)
    told = np.full((len(series.cases), len(origins), HORIZON), np.nan)
    for place, origin in enumerate(origins):
        if (series.today - origin) % 7:
            continue
        cases, seen = (each[:, 0] for each in known_at(series, [origin], _HISTORY_DAYS))
        for number in asked:
            # From the first day after the last gap on: these models have no word for a day that nobody saw.
            gaps = np.flatnonzero(~seen[number])
            history = cases[number, gaps[-1] + 1 if len(gaps) else 0 :]
            if len(history) >= 28 and history.any():
                told[number, place] = np.maximum(model.forecast(y=history, h=HORIZON)["mean"], 0.0)
    return told
