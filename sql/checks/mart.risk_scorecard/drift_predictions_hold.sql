-- Metrics whose latest predictions did not hold: over 28 days of predictions that are decided, the latest of the metric, 100 at least, what was said and what happened
-- differ by more than 10 points, or the Brier score is beyond that of the share that happened, said of each, by more than 0.02. (Not beside the model's test:
-- the clocks that are open at the end of a day break more often than those of the test.)
-- A failure means that the desk is no longer what the model learnt from: its probabilities are off until the next week's model; look first at the
-- scorecard and the drift of the model card on the page Risk of the command centre.
with latest_scores as (
    select
        scores.metric,
        sum(scores.scored_predictions) as scored_predictions,
        sum(scores.predicted_breach_pct * scores.scored_predictions) as predicted_points,
        sum(100.0 * scores.breached_predictions) as happened_points,
        sum(scores.brier * scores.scored_predictions) as errors
    from mart.risk_scorecard as scores
    inner join (
        select
            metric,
            max(predicted_at) as last_at
        from mart.risk_scorecard
        where is_decided
        group by metric
    ) as bounds on scores.metric = bounds.metric
    where
        scores.predicted_at > bounds.last_at - interval 28 day
        and scores.is_decided
        and scores.scored_predictions > 0
    group by scores.metric
),

measured_metrics as (
    select
        latest_scores.metric,
        latest_scores.scored_predictions,
        latest_scores.predicted_points / nullif(latest_scores.scored_predictions, 0) as predicted_breach_pct,
        latest_scores.happened_points / nullif(latest_scores.scored_predictions, 0) as happened_pct,
        latest_scores.errors / nullif(latest_scores.scored_predictions, 0) as brier
    from latest_scores
    where latest_scores.scored_predictions >= 100
)

select *
from measured_metrics
where
    abs(predicted_breach_pct - happened_pct) > 10
    or brier > happened_pct / 100 * (1 - happened_pct / 100) + 0.02
