-- The Spark SQL of sql/mart/worklist/queue_work.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at,
    now_date
  FROM mart.desk_now
), told_dimensions AS (
  SELECT
    COALESCE(BOOL_OR(is_queue_told), FALSE) AS is_queue_told
  FROM mart.backlog_sources
), pace_days AS (
  SELECT
    CASE WHEN days.dimension = 'all' THEN 'none' ELSE days.dimension_value END AS queue,
    days.dimension,
    days.dimension_value,
    days.calendar_date,
    days.gone_cases,
    days.pace_day_business_minutes
  FROM mart.pace_days AS days
  CROSS JOIN told_dimensions
  WHERE
    (
      days.dimension = 'queue' AND told_dimensions.is_queue_told
    )
    OR (
      days.dimension = 'all' AND NOT told_dimensions.is_queue_told
    )
), queue_paces AS (
  SELECT
    queue,
    COUNT(*) AS pace_days,
    MIN(calendar_date) AS from_date,
    SUM(gone_cases) AS gone_cases,
    SUM(pace_day_business_minutes) AS business_minutes
  FROM pace_days
  GROUP BY
    queue
), done_period AS (
  SELECT
    MIN(from_date) AS from_date
  FROM queue_paces
), done_spans AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    spans.intake_date,
    spans.case_id,
    spans.agent,
    spans.started_at,
    spans.ended_at,
    spans.ended_date,
    spans.is_queue_kept_at_end,
    COALESCE(spans.waits_for, 'us') = 'us' AS is_work
  FROM staging.backlog_spans AS spans
  INNER JOIN done_period
    ON spans.ended_date >= done_period.from_date
  INNER JOIN now_instant
    ON spans.ended_at <= now_instant.now_at
  WHERE
    spans.is_open
), ever_counts AS (
  SELECT
    queue_name AS queue,
    SUM(gone_cases) AS done_cases
  FROM staging.queue_movements
  GROUP BY
    queue_name
  UNION ALL
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    -COUNT(*) AS done_cases
  FROM staging.backlog_spans AS spans
  INNER JOIN now_instant
    ON spans.ended_at > now_instant.now_at
  WHERE
    spans.is_open AND NOT spans.is_queue_kept_at_end
  GROUP BY
    COALESCE(spans.team, 'none')
), ever_done_counts AS (
  SELECT
    queue,
    SUM(done_cases) AS done_cases
  FROM ever_counts
  GROUP BY
    queue
), left_spans AS (
  SELECT
    done_spans.queue,
    done_spans.intake_date,
    done_spans.case_id
  FROM done_spans
  INNER JOIN queue_paces
    ON done_spans.queue = queue_paces.queue
    AND done_spans.ended_date >= queue_paces.from_date
  INNER JOIN now_instant
    ON done_spans.ended_date < now_instant.now_date
  WHERE
    NOT done_spans.is_queue_kept_at_end
), left_counts AS (
  SELECT
    queue,
    COUNT(*) AS gone_cases
  FROM left_spans
  GROUP BY
    queue
), agent_days AS (
  SELECT
    queue,
    agent,
    ended_date,
    COUNT(*) AS done_here,
    SUM(COUNT(*)) OVER (PARTITION BY agent, ended_date) AS done_anywhere
  FROM done_spans
  WHERE
    NOT agent IS NULL
  GROUP BY
    queue,
    agent,
    ended_date
), agent_heads AS (
  SELECT
    agent_days.queue,
    COUNT(DISTINCT agent_days.agent) AS agents,
    SUM(
      CAST(CAST(1.0 * agent_days.done_here AS DOUBLE) / CAST(NULLIF(agent_days.done_anywhere, 0) AS DOUBLE) AS DECIMAL(28, 12))
    ) AS agent_days
  FROM agent_days
  INNER JOIN pace_days
    ON agent_days.queue = pace_days.queue
    AND agent_days.ended_date = pace_days.calendar_date
  GROUP BY
    agent_days.queue
), worked_dates AS (
  SELECT
    pace_days.queue,
    COUNT(DISTINCT agent_days.ended_date) AS worked_dates
  FROM pace_days
  INNER JOIN agent_days
    ON pace_days.calendar_date = agent_days.ended_date
  GROUP BY
    pace_days.queue
), heads AS (
  SELECT
    agent_heads.queue,
    agent_heads.agents,
    CAST(CAST(agent_heads.agent_days AS DOUBLE) AS DOUBLE) / CAST(NULLIF(worked_dates.worked_dates, 0) AS DOUBLE) AS working_heads,
    GREATEST(
      1,
      ROUND(
        CAST(CAST(agent_heads.agent_days AS DOUBLE) AS DOUBLE) / CAST(NULLIF(worked_dates.worked_dates, 0) AS DOUBLE)
      )
    ) AS heads
  FROM agent_heads
  INNER JOIN worked_dates
    ON agent_heads.queue = worked_dates.queue
), queue_hours AS (
  SELECT
    pace_days.queue,
    hours.waiting_cases_at_start,
    hours.waiting_cases_at_end
  FROM mart.work_hours AS hours
  INNER JOIN pace_days
    ON hours.dimension = pace_days.dimension
    AND hours.dimension_value = pace_days.dimension_value
    AND hours.calendar_date = pace_days.calendar_date
), busy_hours AS (
  SELECT
    queue_hours.queue,
    CAST(CAST(SUM(
      LEAST(COALESCE(heads.heads, 1), queue_hours.waiting_cases_at_start) + LEAST(COALESCE(heads.heads, 1), queue_hours.waiting_cases_at_end)
    ) AS DOUBLE) / CAST(2.0 AS DOUBLE) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS busy_heads
  FROM queue_hours
  LEFT JOIN heads
    ON queue_hours.queue = heads.queue
  GROUP BY
    queue_hours.queue
), left_cases AS (
  SELECT DISTINCT
    queue,
    intake_date,
    case_id
  FROM left_spans
), stays AS (
  SELECT
    spans.queue,
    CAST(SUM(
      end_time.open_seconds_before + CASE
        WHEN end_time.is_open
        THEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(end_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
        ELSE 0
      END - start_time.open_seconds_before - CASE
        WHEN start_time.is_open
        THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
        ELSE 0
      END
    ) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS stay_minutes
  FROM done_spans AS spans
  INNER JOIN left_cases
    ON spans.queue = left_cases.queue
    AND spans.intake_date = left_cases.intake_date
    AND spans.case_id = left_cases.case_id
  INNER JOIN staging.business_time AS start_time
    ON start_time.calendar = 'desk'
    AND CAST(spans.started_at AS DATE) = start_time.utc_date
    AND spans.started_at >= start_time.segment_start_at
    AND spans.started_at < start_time.segment_end_at
  INNER JOIN staging.business_time AS end_time
    ON end_time.calendar = 'desk'
    AND CAST(spans.ended_at AS DATE) = end_time.utc_date
    AND spans.ended_at >= end_time.segment_start_at
    AND spans.ended_at < end_time.segment_end_at
  WHERE
    spans.is_work
  GROUP BY
    spans.queue
), handling AS (
  SELECT
    COALESCE(facts.team, 'none') AS queue,
    COUNT(*) AS handled_cases,
    CAST(CAST(SUM(CAST(facts.handling_calendar_minutes AS DECIMAL(28, 12))) AS DOUBLE) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS handling_mean_calendar_minutes
  FROM staging.case_facts AS facts
  INNER JOIN now_instant
    ON facts.intake_date >= now_instant.now_date - INTERVAL '90' DAY
    AND facts.intake_date < now_instant.now_date
  WHERE
    facts.handling_calendar_minutes > 0 AND NOT facts.is_open
  GROUP BY
    COALESCE(facts.team, 'none')
), queues AS (
  SELECT
    queue
  FROM done_spans
  WHERE
    NOT is_queue_kept_at_end
  UNION
  SELECT
    queue
  FROM queue_paces
  UNION
  SELECT
    COALESCE(team, 'none') AS queue
  FROM mart.backlog_now
), measured_queues AS (
  SELECT
    queues.queue,
    COALESCE(queue_paces.pace_days, 0) AS pace_days,
    COALESCE(queue_paces.business_minutes, 0) AS business_minutes,
    COALESCE(queue_paces.gone_cases, 0) AS gone_cases,
    COALESCE(ever_done_counts.done_cases, 0) AS done_cases,
    COALESCE(heads.agents, 0) AS agents,
    heads.working_heads,
    COALESCE(heads.heads, 1) AS heads,
    busy_hours.busy_heads,
    CAST(stays.stay_minutes AS DOUBLE) / CAST(NULLIF(left_counts.gone_cases, 0) AS DOUBLE) AS stay_mean_minutes,
    handling.handled_cases,
    handling.handling_mean_calendar_minutes
  FROM queues
  LEFT JOIN queue_paces
    ON queues.queue = queue_paces.queue
  LEFT JOIN left_counts
    ON queues.queue = left_counts.queue
  LEFT JOIN ever_done_counts
    ON queues.queue = ever_done_counts.queue
  LEFT JOIN heads
    ON queues.queue = heads.queue
  LEFT JOIN busy_hours
    ON queues.queue = busy_hours.queue
  LEFT JOIN stays
    ON queues.queue = stays.queue
  LEFT JOIN handling
    ON queues.queue = handling.queue
)
SELECT
  CAST(now_instant.now_at AS TIMESTAMP_NTZ) AS now_at,
  measured_queues.queue,
  CAST(measured_queues.pace_days AS BIGINT) AS pace_days,
  CAST(measured_queues.business_minutes AS DOUBLE) AS pace_business_minutes,
  CAST(measured_queues.gone_cases AS BIGINT) AS gone_cases,
  CAST(measured_queues.done_cases AS BIGINT) AS done_cases,
  CAST(measured_queues.agents AS BIGINT) AS agents,
  CAST(measured_queues.working_heads AS DOUBLE) AS working_heads,
  CAST(measured_queues.heads AS BIGINT) AS simulated_heads,
  CAST(measured_queues.busy_heads AS DOUBLE) AS busy_heads,
  CAST(measured_queues.stay_mean_minutes AS DOUBLE) AS stay_mean_business_minutes,
  CAST(CASE
    WHEN measured_queues.gone_cases > 0
    THEN LEAST(
      CAST(GREATEST(COALESCE(measured_queues.busy_heads, measured_queues.heads), 0.05) * measured_queues.business_minutes AS DOUBLE) / CAST(NULLIF(measured_queues.gone_cases, 0) AS DOUBLE),
      COALESCE(
        NULLIF(measured_queues.stay_mean_minutes, 0),
        CAST(GREATEST(COALESCE(measured_queues.busy_heads, measured_queues.heads), 0.05) * measured_queues.business_minutes AS DOUBLE) / CAST(NULLIF(measured_queues.gone_cases, 0) AS DOUBLE)
      )
    )
  END AS DOUBLE) AS pace_work_business_minutes,
  CAST(COALESCE(measured_queues.handled_cases, 0) AS BIGINT) AS handled_cases,
  CAST(measured_queues.handling_mean_calendar_minutes AS DOUBLE) AS handling_mean_calendar_minutes
FROM measured_queues
CROSS JOIN now_instant
