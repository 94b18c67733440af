-- The Spark SQL of sql/staging/agreement/schedule_change_clocks.sql, written by `make docs`.
WITH clocks AS (
  SELECT
    source,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    schedule_change,
    calendar,
    is_source_promise,
    started_at,
    stopped_at
  FROM staging.sla_clock_windows
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_calendar_changed
), running_spans AS (
  SELECT
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.calendar AS last_calendar,
    clocks.is_source_promise,
    spans.started_at,
    spans.stopped_at
  FROM clocks
  INNER JOIN staging.sla_clock_spans AS spans
    ON clocks.case_id = spans.case_id
    AND clocks.policy = spans.policy
    AND clocks.metric = spans.metric
    AND clocks.cycle = spans.cycle
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND spans.state = 'running'
    AND NOT clocks.stopped_at IS NULL
), rule_spans AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    'last' AS schedule_rule,
    last_calendar AS calendar,
    started_at,
    stopped_at
  FROM running_spans
  UNION ALL
  SELECT
    spans.case_id,
    spans.policy,
    spans.metric,
    spans.cycle,
    'in_force' AS schedule_rule,
    calendars.calendar,
    CASE
      WHEN calendars.calendar_from_at > spans.started_at
      THEN calendars.calendar_from_at
      ELSE spans.started_at
    END AS started_at,
    CASE
      WHEN calendars.calendar_to_at < spans.stopped_at
      THEN calendars.calendar_to_at
      ELSE spans.stopped_at
    END AS stopped_at
  FROM running_spans AS spans
  INNER JOIN staging.case_sla_calendars AS calendars
    ON spans.case_id = calendars.case_id
    AND spans.metric = calendars.metric
    AND spans.is_source_promise = calendars.is_source_promise
  WHERE
    calendars.intake_date >= :start_date
    AND calendars.intake_date < :end_date
    AND calendars.calendar_from_at < spans.stopped_at
    AND (
      calendars.calendar_to_at IS NULL OR calendars.calendar_to_at > spans.started_at
    )
), measured_spans AS (
  SELECT
    spans.case_id,
    spans.policy,
    spans.metric,
    spans.cycle,
    spans.schedule_rule,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END - start_time.open_seconds_before - CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds
  FROM rule_spans AS spans
  LEFT JOIN staging.business_time AS start_time
    ON spans.calendar = start_time.calendar
    AND CAST(spans.started_at AS DATE) = start_time.utc_date
    AND spans.started_at >= start_time.segment_start_at
    AND spans.started_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON spans.calendar = stop_time.calendar
    AND CAST(spans.stopped_at AS DATE) = stop_time.utc_date
    AND spans.stopped_at >= stop_time.segment_start_at
    AND spans.stopped_at < stop_time.segment_end_at
), elapsed_by_rule AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    SUM(CASE WHEN schedule_rule = 'in_force' THEN open_seconds END) AS in_force_elapsed_seconds,
    SUM(CASE WHEN schedule_rule = 'last' THEN open_seconds END) AS last_elapsed_seconds,
    COUNT(*) = COUNT(open_seconds) AS is_within_horizon
  FROM measured_spans
  GROUP BY
    case_id,
    policy,
    metric,
    cycle
), verdicts AS (
  SELECT
    case_id,
    metric,
    COALESCE(cycle, 1) AS cycle,
    MAX(elapsed_seconds) AS source_elapsed_seconds
  FROM raw.source_verdicts
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT elapsed_seconds IS NULL
  GROUP BY
    case_id,
    metric,
    COALESCE(cycle, 1)
  HAVING
    MIN(elapsed_seconds) = MAX(elapsed_seconds)
)
SELECT
  clocks.source,
  clocks.case_id,
  clocks.intake_date,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  clocks.schedule_change,
  clocks.is_source_promise,
  clocks.started_at,
  clocks.stopped_at,
  CAST(CASE
    WHEN elapsed_by_rule.is_within_horizon
    THEN elapsed_by_rule.in_force_elapsed_seconds
    WHEN NOT clocks.stopped_at IS NULL AND elapsed_by_rule.case_id IS NULL
    THEN 0
  END AS BIGINT) AS in_force_elapsed_seconds,
  CAST(CASE
    WHEN elapsed_by_rule.is_within_horizon
    THEN elapsed_by_rule.last_elapsed_seconds
    WHEN NOT clocks.stopped_at IS NULL AND elapsed_by_rule.case_id IS NULL
    THEN 0
  END AS BIGINT) AS last_elapsed_seconds,
  CAST(CASE WHEN clocks.is_source_promise THEN verdicts.source_elapsed_seconds END AS BIGINT) AS source_elapsed_seconds
FROM clocks
LEFT JOIN elapsed_by_rule
  ON clocks.case_id = elapsed_by_rule.case_id
  AND clocks.policy = elapsed_by_rule.policy
  AND clocks.metric = elapsed_by_rule.metric
  AND clocks.cycle = elapsed_by_rule.cycle
LEFT JOIN verdicts
  ON clocks.case_id = verdicts.case_id
  AND clocks.metric = verdicts.metric
  AND clocks.cycle = verdicts.cycle
