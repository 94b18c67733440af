-- The Spark SQL of sql/checks/mart.risk_scorecard/drift_predictions_hold.sql, written by `make docs`.
WITH latest_scores AS (
  SELECT
    scores.metric,
    SUM(scores.scored_predictions) AS scored_predictions,
    SUM(scores.predicted_breach_pct * scores.scored_predictions) AS predicted_points,
    SUM(100.0 * scores.breached_predictions) AS happened_points,
    SUM(scores.brier * scores.scored_predictions) AS errors
  FROM mart.risk_scorecard AS scores
  INNER JOIN (
    SELECT
      metric,
      MAX(predicted_at) AS last_at
    FROM mart.risk_scorecard
    WHERE
      is_decided
    GROUP BY
      metric
  ) AS bounds
    ON scores.metric = bounds.metric
  WHERE
    scores.predicted_at > bounds.last_at - INTERVAL '28' DAY
    AND scores.is_decided
    AND scores.scored_predictions > 0
  GROUP BY
    scores.metric
), measured_metrics AS (
  SELECT
    latest_scores.metric,
    latest_scores.scored_predictions,
    CAST(latest_scores.predicted_points AS DOUBLE) / CAST(NULLIF(latest_scores.scored_predictions, 0) AS DOUBLE) AS predicted_breach_pct,
    CAST(latest_scores.happened_points AS DOUBLE) / CAST(NULLIF(latest_scores.scored_predictions, 0) AS DOUBLE) AS happened_pct,
    CAST(latest_scores.errors AS DOUBLE) / CAST(NULLIF(latest_scores.scored_predictions, 0) AS DOUBLE) AS brier
  FROM latest_scores
  WHERE
    latest_scores.scored_predictions >= 100
)
SELECT
  *
FROM measured_metrics
WHERE
  ABS(predicted_breach_pct - happened_pct) > 10
  OR brier > CAST(happened_pct AS DOUBLE) / CAST(100 AS DOUBLE) * (
    1 - CAST(happened_pct AS DOUBLE) / CAST(100 AS DOUBLE)
  ) + 0.02
