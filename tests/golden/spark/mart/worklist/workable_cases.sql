-- The Spark SQL of sql/mart/worklist/workable_cases.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at
  FROM mart.desk_now
), ranked_clocks AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    target_seconds,
    due_at,
    is_past_target,
    ROW_NUMBER() OVER (
      PARTITION BY case_id
      ORDER BY is_past_target NULLS LAST, due_at NULLS LAST, remaining_seconds NULLS LAST, policy NULLS LAST, metric NULLS LAST, cycle NULLS LAST
    ) AS position_by_due
  FROM mart.clock_now
), deciding_clocks AS (
  SELECT
    *
  FROM ranked_clocks
  WHERE
    position_by_due = 1
), instants AS (
  SELECT
    now_at AS instant_at
  FROM now_instant
  UNION
  SELECT
    due_at AS instant_at
  FROM deciding_clocks
  WHERE
    NOT due_at IS NULL
), open_times AS (
  SELECT
    instants.instant_at,
    desk_time.open_seconds_before + CASE
      WHEN desk_time.is_open
      THEN CAST(UNIX_MICROS(CAST(instants.instant_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(desk_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds
  FROM instants
  INNER JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk'
    AND CAST(instants.instant_at AS DATE) = desk_time.utc_date
    AND instants.instant_at >= desk_time.segment_start_at
    AND instants.instant_at < desk_time.segment_end_at
)
SELECT
  CAST(now_instant.now_at AS TIMESTAMP_NTZ) AS now_at,
  cases.source,
  cases.case_id,
  cases.intake_date,
  cases.intake_ts,
  COALESCE(cases.team, 'none') AS queue,
  cases.agent,
  cases.priority,
  cases.waits_for,
  clocks.policy AS due_policy,
  clocks.metric AS due_metric,
  clocks.cycle AS due_cycle,
  clocks.target_seconds,
  CAST(clocks.due_at AS TIMESTAMP_NTZ) AS due_at,
  CAST(due_times.open_seconds - now_times.open_seconds AS BIGINT) AS due_in_business_seconds,
  objectives.objective_pct
FROM mart.backlog_now AS cases
CROSS JOIN now_instant
LEFT JOIN deciding_clocks AS clocks
  ON cases.case_id = clocks.case_id
LEFT JOIN open_times AS now_times
  ON now_instant.now_at = now_times.instant_at
LEFT JOIN open_times AS due_times
  ON clocks.due_at = due_times.instant_at
LEFT JOIN staging.sla_policies AS objectives
  ON clocks.policy = objectives.policy AND clocks.metric = objectives.metric
WHERE
  cases.waits_for = 'us' OR cases.waits_for IS NULL
