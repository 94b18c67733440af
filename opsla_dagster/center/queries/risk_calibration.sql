-- One row is one metric and tenth of the probability.
select
    metric,
    probability_decile,
    predictions,
    predicted_pct,
    happened_pct
from mart.risk_calibration
order by metric, probability_decile
