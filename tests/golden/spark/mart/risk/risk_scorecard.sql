-- The Spark SQL of sql/mart/risk/risk_scorecard.sql, written by `make docs`.
WITH predictions AS (
  SELECT
    predicted_date,
    predicted_at,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    breach_probability
  FROM mart.risk_predictions
  WHERE
    probability_source IN ('model', 'baseline')
), prediction_instants AS (
  SELECT
    predictions.predicted_date,
    predictions.predicted_at,
    desk_now.now_at
  FROM (
    SELECT DISTINCT
      predicted_date,
      predicted_at
    FROM mart.risk_predictions
  ) AS predictions
  CROSS JOIN mart.desk_now AS desk_now
), prediction_periods AS (
  SELECT
    predicted_date,
    predicted_at,
    COALESCE(LEAD(predicted_at) OVER (ORDER BY predicted_at NULLS LAST), now_at) AS next_at
  FROM prediction_instants
), outcomes AS (
  SELECT
    predictions.predicted_at,
    predictions.metric,
    predictions.breach_probability,
    CASE
      WHEN NOT open_now.case_id IS NULL AND open_now.is_past_target
      THEN 'broken'
      WHEN NOT open_now.case_id IS NULL
      THEN 'pending'
      WHEN clocks.stopped_at <= desk_now.now_at AND clocks.outcome = 'breached'
      THEN 'broken'
      WHEN clocks.stopped_at <= desk_now.now_at AND clocks.outcome = 'met'
      THEN 'kept'
      WHEN clocks.case_id IS NULL OR clocks.outcome = 'unknown'
      THEN 'void'
      ELSE 'pending'
    END AS result
  FROM predictions
  CROSS JOIN mart.desk_now AS desk_now
  LEFT JOIN mart.clock_now AS open_now
    ON predictions.case_id = open_now.case_id
    AND predictions.policy = open_now.policy
    AND predictions.metric = open_now.metric
    AND predictions.cycle = open_now.cycle
  LEFT JOIN staging.sla_clocks AS clocks
    ON predictions.case_id = clocks.case_id
    AND predictions.intake_date = clocks.intake_date
    AND predictions.policy = clocks.policy
    AND predictions.metric = clocks.metric
    AND predictions.cycle = clocks.cycle
), scores AS (
  SELECT
    predicted_at,
    metric,
    COUNT(*) AS predictions,
    COUNT(*) FILTER(WHERE
      result IN ('broken', 'kept')) AS scored_predictions,
    COUNT(*) FILTER(WHERE
      result = 'pending') AS pending_predictions,
    COUNT(*) FILTER(WHERE
      result = 'void') AS void_predictions,
    COUNT(*) FILTER(WHERE
      result = 'broken') AS breached_predictions,
    COUNT(*) FILTER(WHERE
      result IN ('broken', 'kept') AND breach_probability >= 0.5) AS called_predictions,
    COUNT(*) FILTER(WHERE
      result = 'broken' AND breach_probability >= 0.5) AS caught_predictions,
    COUNT(*) FILTER(WHERE
      result = 'broken' AND breach_probability < 0.5) AS missed_predictions,
    SUM(
      CASE
        WHEN result IN ('broken', 'kept')
        THEN CAST(breach_probability AS DECIMAL(28, 12))
      END
    ) AS expected_breaches,
    SUM(
      CASE
        WHEN result = 'broken'
        THEN CAST((
          1 - breach_probability
        ) * (
          1 - breach_probability
        ) AS DECIMAL(28, 12))
        WHEN result = 'kept'
        THEN CAST(breach_probability * breach_probability AS DECIMAL(28, 12))
      END
    ) AS squared_errors
  FROM outcomes
  GROUP BY
    predicted_at,
    metric
), decided_scores AS (
  SELECT
    predicted_at,
    metric,
    CAST(100.0 * scored_predictions AS DOUBLE) / CAST(NULLIF(scored_predictions + pending_predictions, 0) AS DOUBLE) AS decided_pct,
    COALESCE(
      100 * scored_predictions >= 95 * (
        scored_predictions + pending_predictions
      ),
      FALSE
    ) AS is_decided
  FROM scores
), late_breaches AS (
  SELECT
    clocks.metric,
    clocks.started_at,
    clocks.due_at
  FROM staging.sla_clocks AS clocks
  CROSS JOIN (
    SELECT
      MIN(predicted_at) AS first_at
    FROM mart.risk_predictions
  ) AS bounds
  CROSS JOIN mart.desk_now AS desk_now
  WHERE
    clocks.started_at > bounds.first_at
    AND clocks.due_at < desk_now.now_at
    AND clocks.outcome = 'breached'
), unseen_breaches AS (
  SELECT
    periods.predicted_at,
    breaches.metric,
    COUNT(*) AS unseen_breached_clocks
  FROM prediction_periods AS periods
  INNER JOIN late_breaches AS breaches
    ON breaches.started_at > periods.predicted_at
    AND breaches.due_at > periods.predicted_at
    AND breaches.due_at <= periods.next_at
  GROUP BY
    periods.predicted_at,
    breaches.metric
)
SELECT
  periods.predicted_date,
  periods.predicted_at,
  scores.metric,
  CAST(scores.predictions AS BIGINT) AS predictions,
  CAST(scores.scored_predictions AS BIGINT) AS scored_predictions,
  CAST(scores.pending_predictions AS BIGINT) AS pending_predictions,
  CAST(scores.void_predictions AS BIGINT) AS void_predictions,
  CAST(decided_scores.decided_pct AS DOUBLE) AS decided_pct,
  decided_scores.is_decided,
  CAST(scores.breached_predictions AS BIGINT) AS breached_predictions,
  CAST(scores.called_predictions AS BIGINT) AS called_predictions,
  CAST(scores.caught_predictions AS BIGINT) AS caught_predictions,
  CAST(scores.missed_predictions AS BIGINT) AS missed_predictions,
  CAST(COALESCE(unseen_breaches.unseen_breached_clocks, 0) AS BIGINT) AS unseen_breached_clocks,
  CAST(CASE
    WHEN decided_scores.is_decided
    THEN CAST(100.0 * scores.caught_predictions AS DOUBLE) / CAST(NULLIF(scores.called_predictions, 0) AS DOUBLE)
  END AS DOUBLE) AS precision_pct,
  CAST(CASE
    WHEN decided_scores.is_decided
    THEN CAST(100.0 * scores.caught_predictions AS DOUBLE) / CAST(NULLIF(scores.breached_predictions, 0) AS DOUBLE)
  END AS DOUBLE) AS recall_pct,
  CAST(CASE
    WHEN decided_scores.is_decided
    THEN CAST(100.0 * CAST(scores.expected_breaches AS DOUBLE) AS DOUBLE) / CAST(NULLIF(scores.scored_predictions, 0) AS DOUBLE)
  END AS DOUBLE) AS predicted_breach_pct,
  CAST(CASE
    WHEN decided_scores.is_decided
    THEN CAST(100.0 * scores.breached_predictions AS DOUBLE) / CAST(NULLIF(scores.scored_predictions, 0) AS DOUBLE)
  END AS DOUBLE) AS happened_pct,
  CAST(CASE
    WHEN decided_scores.is_decided
    THEN CAST(CAST(scores.squared_errors AS DOUBLE) AS DOUBLE) / CAST(NULLIF(scores.scored_predictions, 0) AS DOUBLE)
  END AS DOUBLE) AS brier
FROM scores
INNER JOIN decided_scores
  ON scores.predicted_at = decided_scores.predicted_at
  AND scores.metric = decided_scores.metric
INNER JOIN prediction_periods AS periods
  ON scores.predicted_at = periods.predicted_at
LEFT JOIN unseen_breaches
  ON scores.predicted_at = unseen_breaches.predicted_at
  AND scores.metric = unseen_breaches.metric
