-- One row is the predictions of one instant for one metric, the latest $most instants, the latest first.
select
    predicted_date,
    predicted_at,
    metric,
    predictions,
    scored_predictions,
    pending_predictions,
    void_predictions,
    decided_pct,
    is_decided,
    breached_predictions,
    called_predictions,
    caught_predictions,
    missed_predictions,
    unseen_breached_clocks,
    precision_pct,
    recall_pct,
    predicted_breach_pct,
    happened_pct,
    brier
from mart.risk_scorecard
where predicted_at in (select distinct latest.predicted_at from mart.risk_scorecard as latest order by latest.predicted_at desc limit $most)
order by predicted_at desc, metric
