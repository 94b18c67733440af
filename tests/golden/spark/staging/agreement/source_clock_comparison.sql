-- The Spark SQL of sql/staging/agreement/source_clock_comparison.sql, written by `make docs`.
WITH verdicts AS (
  SELECT
    source,
    verdict_id,
    case_id,
    intake_date,
    metric,
    cycle,
    is_breached,
    breached_ts,
    elapsed_seconds
  FROM raw.source_verdicts
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), cases_with_own_promises AS (
  SELECT DISTINCT
    case_id
  FROM raw.applied_targets
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT target_seconds IS NULL
), always_open_calendars AS (
  SELECT
    calendar
  FROM staging.business_time
  GROUP BY
    calendar
  HAVING
    BOOL_AND(is_open)
), clocks AS (
  SELECT
    clocks.case_id,
    clocks.metric,
    clocks.cycle,
    clocks.policy,
    clocks.outcome,
    clocks.reason,
    clocks.elapsed_seconds,
    clocks.due_at,
    clocks.is_source_promise,
    clocks.is_source_promise OR NOT always_open_calendars.calendar IS NULL AS is_time_comparable,
    clocks.is_source_promise OR cases_with_own_promises.case_id IS NULL AS is_promise_comparable
  FROM staging.sla_clocks AS clocks
  LEFT JOIN always_open_calendars
    ON clocks.calendar = always_open_calendars.calendar
  LEFT JOIN cases_with_own_promises
    ON clocks.case_id = cases_with_own_promises.case_id
  WHERE
    clocks.intake_date >= :start_date
    AND clocks.intake_date < :end_date
    AND NOT clocks.is_superseded
), verdict_clocks AS (
  SELECT
    verdicts.verdict_id,
    clocks.policy,
    clocks.outcome,
    clocks.reason,
    clocks.elapsed_seconds,
    clocks.due_at,
    clocks.is_time_comparable,
    ROW_NUMBER() OVER (
      PARTITION BY verdicts.verdict_id
      ORDER BY clocks.is_source_promise DESC, clocks.policy NULLS LAST
    ) AS choice
  FROM verdicts
  INNER JOIN clocks
    ON verdicts.case_id = clocks.case_id
    AND verdicts.metric = clocks.metric
    AND COALESCE(verdicts.cycle, 1) = clocks.cycle
  WHERE
    clocks.is_promise_comparable
    OR (
      verdicts.is_breached IS NULL
      AND NOT verdicts.elapsed_seconds IS NULL
      AND clocks.is_time_comparable
    )
), case_verdict_clocks AS (
  SELECT
    verdicts.verdict_id,
    CASE WHEN MIN(clocks.policy) = MAX(clocks.policy) THEN MIN(clocks.policy) END AS policy,
    CASE
      WHEN BOOL_OR(clocks.outcome = 'breached')
      THEN 'breached'
      WHEN BOOL_OR(clocks.outcome = 'running')
      THEN 'running'
      WHEN BOOL_OR(clocks.outcome = 'unknown')
      THEN 'unknown'
      ELSE 'met'
    END AS outcome,
    CASE
      WHEN BOOL_AND(clocks.outcome IN ('met', 'unknown'))
      THEN MIN(clocks.reason)
    END AS reason,
    CAST(NULL AS BIGINT) AS elapsed_seconds,
    CAST(NULL AS TIMESTAMP_NTZ) AS due_at,
    FALSE AS is_time_comparable,
    1 AS choice
  FROM verdicts
  INNER JOIN clocks
    ON verdicts.case_id = clocks.case_id
  WHERE
    verdicts.metric = 'any' AND clocks.is_promise_comparable
  GROUP BY
    verdicts.verdict_id
), all_verdict_clocks AS (
  SELECT
    *
  FROM verdict_clocks
  WHERE
    choice = 1
  UNION ALL
  SELECT
    *
  FROM case_verdict_clocks
), verdict_comparisons AS (
  SELECT
    verdicts.*,
    all_verdict_clocks.policy,
    all_verdict_clocks.outcome,
    all_verdict_clocks.reason,
    all_verdict_clocks.elapsed_seconds AS our_elapsed_seconds,
    all_verdict_clocks.due_at,
    CASE
      WHEN all_verdict_clocks.is_time_comparable
      THEN all_verdict_clocks.elapsed_seconds - verdicts.elapsed_seconds
    END AS difference_seconds
  FROM verdicts
  LEFT JOIN all_verdict_clocks
    ON verdicts.verdict_id = all_verdict_clocks.verdict_id
)
SELECT
  source,
  verdict_id,
  case_id,
  intake_date,
  metric,
  cycle,
  is_breached AS source_is_breached,
  breached_ts AS source_breached_ts,
  elapsed_seconds AS source_elapsed_seconds,
  policy,
  outcome,
  reason,
  our_elapsed_seconds AS elapsed_seconds,
  due_at,
  CAST(difference_seconds AS BIGINT) AS difference_seconds,
  CASE
    WHEN is_breached IS NULL AND elapsed_seconds IS NULL
    THEN 'nothing_compared'
    WHEN outcome IS NULL
    THEN 'no_clock'
    WHEN outcome = 'unknown'
    THEN 'unknown'
    WHEN outcome = 'running'
    THEN 'still_running'
    WHEN NOT is_breached IS NULL AND is_breached <> (
      outcome = 'breached'
    )
    THEN 'verdict_differs'
    WHEN ABS(difference_seconds) >= 60
    THEN 'time_differs'
    WHEN ABS(difference_seconds) > 0
    THEN 'whole_minutes'
    WHEN NOT is_breached IS NULL OR NOT difference_seconds IS NULL
    THEN 'agrees'
    ELSE 'nothing_compared'
  END AS comparison
FROM verdict_comparisons
