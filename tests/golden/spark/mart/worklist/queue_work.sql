-- The Spark SQL of sql/mart/worklist/queue_work.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at,
    now_date,
    first_intake_date
  FROM mart.desk_now
), business_days AS (
  SELECT
    days.local_date,
    CAST(SUM(
      CAST(UNIX_MICROS(CAST(days.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(days.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS business_minutes
  FROM staging.business_time AS days
  INNER JOIN now_instant
    ON days.local_date < now_instant.now_date
    AND days.local_date >= now_instant.now_date - INTERVAL '45' DAY
    AND days.local_date >= now_instant.first_intake_date
  WHERE
    days.calendar = 'desk' AND days.is_open
  GROUP BY
    days.local_date
), numbered_days AS (
  SELECT
    local_date,
    business_minutes,
    ROW_NUMBER() OVER (ORDER BY local_date DESC) AS days_ago
  FROM business_days
), pace_period AS (
  SELECT
    MIN(local_date) AS from_date,
    COUNT(*) AS pace_days,
    SUM(business_minutes) AS business_minutes
  FROM numbered_days
  WHERE
    days_ago <= 10
), done_spans AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    spans.agent,
    spans.ended_date,
    spans.is_queue_kept_at_end
  FROM staging.backlog_spans AS spans
  INNER JOIN pace_period
    ON spans.ended_date >= pace_period.from_date
  INNER JOIN now_instant
    ON spans.ended_at <= now_instant.now_at
  WHERE
    spans.is_open
), ever_done_counts AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    COUNT(*) AS done_cases
  FROM staging.backlog_spans AS spans
  INNER JOIN now_instant
    ON spans.ended_at <= now_instant.now_at
  WHERE
    spans.is_open AND NOT spans.is_queue_kept_at_end
  GROUP BY
    COALESCE(spans.team, 'none')
), left_counts AS (
  SELECT
    queue,
    COUNT(*) AS gone_cases
  FROM done_spans
  WHERE
    NOT is_queue_kept_at_end
  GROUP BY
    queue
), arrived_counts AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    COUNT(*) AS arrived_cases
  FROM staging.backlog_spans AS spans
  INNER JOIN pace_period
    ON spans.started_date >= pace_period.from_date
  INNER JOIN now_instant
    ON spans.started_at <= now_instant.now_at
  WHERE
    spans.is_open AND NOT spans.is_queue_kept_at_start
  GROUP BY
    COALESCE(spans.team, 'none')
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
    queue,
    COUNT(DISTINCT agent) AS agents,
    SUM(
      CAST(CAST(done_here AS DOUBLE) AS DOUBLE) / CAST(NULLIF(done_anywhere, 0) AS DOUBLE)
    ) AS agent_days
  FROM agent_days
  GROUP BY
    queue
), worked_dates AS (
  SELECT
    COUNT(DISTINCT ended_date) AS worked_dates
  FROM done_spans
  WHERE
    NOT agent IS NULL
), told_dimensions AS (
  SELECT
    COALESCE(BOOL_OR(is_queue_told), FALSE) AS is_queue_told
  FROM mart.backlog_sources
), open_levels AS (
  SELECT
    CASE WHEN days.dimension = 'all' THEN 'none' ELSE days.dimension_value END AS queue,
    AVG(COALESCE(days.active_cases, days.open_cases)) AS waiting_for_us_cases
  FROM mart.backlog_daily AS days
  INNER JOIN numbered_days
    ON days.calendar_date = numbered_days.local_date AND numbered_days.days_ago <= 10
  CROSS JOIN told_dimensions
  WHERE
    (
      days.dimension = 'queue' AND told_dimensions.is_queue_told
    )
    OR (
      days.dimension = 'all' AND NOT told_dimensions.is_queue_told
    )
  GROUP BY
    CASE WHEN days.dimension = 'all' THEN 'none' ELSE days.dimension_value END
), handling AS (
  SELECT
    COALESCE(facts.team, 'none') AS queue,
    COUNT(*) AS handled_cases,
    AVG(facts.handling_calendar_minutes) AS handling_mean_calendar_minutes
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
  FROM left_counts
  UNION
  SELECT
    queue
  FROM arrived_counts
  UNION
  SELECT
    COALESCE(team, 'none') AS queue
  FROM mart.backlog_now
), measured_queues AS (
  SELECT
    queues.queue,
    pace_period.pace_days,
    pace_period.business_minutes,
    COALESCE(arrived_counts.arrived_cases, 0) AS arrived_cases,
    COALESCE(left_counts.gone_cases, 0) AS gone_cases,
    COALESCE(ever_done_counts.done_cases, 0) AS done_cases,
    COALESCE(agent_heads.agents, 0) AS agents,
    CAST(agent_heads.agent_days AS DOUBLE) / CAST(NULLIF(worked_dates.worked_dates, 0) AS DOUBLE) AS working_heads,
    GREATEST(
      1,
      ROUND(
        COALESCE(
          CAST(agent_heads.agent_days AS DOUBLE) / CAST(NULLIF(worked_dates.worked_dates, 0) AS DOUBLE),
          1
        )
      )
    ) AS heads,
    open_levels.waiting_for_us_cases,
    handling.handled_cases,
    handling.handling_mean_calendar_minutes
  FROM queues
  CROSS JOIN pace_period
  CROSS JOIN worked_dates
  LEFT JOIN left_counts
    ON queues.queue = left_counts.queue
  LEFT JOIN ever_done_counts
    ON queues.queue = ever_done_counts.queue
  LEFT JOIN arrived_counts
    ON queues.queue = arrived_counts.queue
  LEFT JOIN agent_heads
    ON queues.queue = agent_heads.queue
  LEFT JOIN open_levels
    ON queues.queue = open_levels.queue
  LEFT JOIN handling
    ON queues.queue = handling.queue
)
SELECT
  CAST(now_instant.now_at AS TIMESTAMP_NTZ) AS now_at,
  measured_queues.queue,
  CAST(measured_queues.pace_days AS BIGINT) AS pace_days,
  CAST(measured_queues.business_minutes AS DOUBLE) AS pace_business_minutes,
  CAST(measured_queues.arrived_cases AS BIGINT) AS arrived_cases,
  CAST(measured_queues.gone_cases AS BIGINT) AS gone_cases,
  CAST(measured_queues.done_cases AS BIGINT) AS done_cases,
  CAST(measured_queues.agents AS BIGINT) AS agents,
  CAST(measured_queues.working_heads AS DOUBLE) AS working_heads,
  CAST(measured_queues.heads AS BIGINT) AS simulated_heads,
  CAST(CAST(LEAST(
    measured_queues.heads,
    GREATEST(COALESCE(measured_queues.waiting_for_us_cases, measured_queues.heads), 0.05)
  ) * measured_queues.business_minutes AS DOUBLE) / CAST(NULLIF(measured_queues.gone_cases, 0) AS DOUBLE) AS DOUBLE) AS pace_work_business_minutes,
  CAST(COALESCE(measured_queues.handled_cases, 0) AS BIGINT) AS handled_cases,
  CAST(measured_queues.handling_mean_calendar_minutes AS DOUBLE) AS handling_mean_calendar_minutes
FROM measured_queues
CROSS JOIN now_instant
