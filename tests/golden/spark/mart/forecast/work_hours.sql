-- The Spark SQL of sql/mart/forecast/work_hours.sql, written by `make docs`.
WITH recent_dates AS (
  SELECT
    instants.snapshot_date,
    instants.snapshot_from_at
  FROM mart.snapshot_instants AS instants
  INNER JOIN mart.desk_now AS desk_now
    ON instants.snapshot_date >= desk_now.now_date - INTERVAL '56' DAY
    AND instants.snapshot_date < desk_now.now_date
), window_bounds AS (
  SELECT
    MIN(snapshot_from_at) AS first_from_at
  FROM recent_dates
  HAVING
    COUNT(*) > 0
), loaded_dates AS (
  SELECT DISTINCT
    intake_date
  FROM ops.partition_as_of
), told_queues AS (
  SELECT
    BOOL_OR(is_queue_told) AS is_queue_told
  FROM mart.backlog_sources
), recent_time AS (
  SELECT
    desk_time.local_date,
    desk_time.segment_start_at,
    desk_time.segment_end_at,
    desk_time.is_open,
    desk_time.open_seconds_before
  FROM staging.business_time AS desk_time
  INNER JOIN recent_dates
    ON desk_time.local_date = recent_dates.snapshot_date
  WHERE
    desk_time.calendar = 'desk'
), open_hours AS (
  SELECT
    hours.open_hour_number,
    MIN(recent_time.local_date) AS calendar_date
  FROM staging.business_hours_dim AS hours
  INNER JOIN recent_time
    ON hours.segment_start_at >= recent_time.segment_start_at
    AND hours.segment_start_at < recent_time.segment_end_at
  WHERE
    hours.calendar = 'desk'
  GROUP BY
    hours.open_hour_number
), hourly_starts AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    recent_time.is_open,
    CAST(recent_time.open_seconds_before + CASE
      WHEN recent_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(recent_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS BIGINT) DIV CAST(3600 AS BIGINT) AS open_hour_number,
    COUNT(*) AS waiting_cases
  FROM staging.backlog_spans AS spans
  INNER JOIN recent_time
    ON spans.started_date = recent_time.local_date
    AND spans.started_at >= recent_time.segment_start_at
    AND spans.started_at < recent_time.segment_end_at
  WHERE
    spans.is_open AND COALESCE(spans.waits_for, 'us') = 'us'
  GROUP BY
    COALESCE(spans.team, 'none'),
    recent_time.is_open,
    CAST(recent_time.open_seconds_before + CASE
      WHEN recent_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(recent_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS BIGINT) DIV CAST(3600 AS BIGINT)
), hourly_ends AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    recent_time.is_open,
    CAST(recent_time.open_seconds_before + CASE
      WHEN recent_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(recent_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS BIGINT) DIV CAST(3600 AS BIGINT) AS open_hour_number,
    COUNT(*) FILTER(WHERE
      COALESCE(spans.waits_for, 'us') = 'us') AS waiting_cases,
    COUNT(*) FILTER(WHERE
      NOT spans.is_queue_kept_at_end) AS left_queue_cases,
    COUNT(*) FILTER(WHERE
      spans.ended_with <> 'changed') AS left_desk_cases
  FROM staging.backlog_spans AS spans
  INNER JOIN recent_time
    ON spans.ended_date = recent_time.local_date
    AND spans.ended_at >= recent_time.segment_start_at
    AND spans.ended_at < recent_time.segment_end_at
  WHERE
    spans.is_open
    AND (
      COALESCE(spans.waits_for, 'us') = 'us' OR NOT spans.is_queue_kept_at_end
    )
  GROUP BY
    COALESCE(spans.team, 'none'),
    recent_time.is_open,
    CAST(recent_time.open_seconds_before + CASE
      WHEN recent_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(recent_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS BIGINT) DIV CAST(3600 AS BIGINT)
), movements AS (
  SELECT
    queue,
    is_open,
    open_hour_number,
    waiting_cases,
    0 AS left_queue_cases,
    0 AS left_desk_cases
  FROM hourly_starts
  UNION ALL
  SELECT
    queue,
    is_open,
    open_hour_number,
    -waiting_cases AS waiting_cases,
    left_queue_cases,
    left_desk_cases
  FROM hourly_ends
), hourly_movements AS (
  SELECT
    queue,
    is_open,
    open_hour_number,
    SUM(waiting_cases) AS waiting_cases,
    SUM(left_queue_cases) AS left_queue_cases,
    SUM(left_desk_cases) AS left_desk_cases
  FROM movements
  GROUP BY
    queue,
    is_open,
    open_hour_number
), first_waiting_cases AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    COUNT(*) AS waiting_cases
  FROM staging.backlog_spans AS spans
  INNER JOIN window_bounds
    ON spans.started_at < window_bounds.first_from_at
    AND (
      spans.ended_at IS NULL OR spans.ended_at >= window_bounds.first_from_at
    )
  WHERE
    spans.is_open AND COALESCE(spans.waits_for, 'us') = 'us'
  GROUP BY
    COALESCE(spans.team, 'none')
), queues AS (
  SELECT
    queue
  FROM hourly_movements
  UNION
  SELECT
    queue
  FROM first_waiting_cases
), queue_hours AS (
  SELECT
    queues.queue,
    open_hours.open_hour_number,
    open_hours.calendar_date,
    COALESCE(first_waiting_cases.waiting_cases, 0) AS first_waiting_cases,
    COALESCE(before_opening.waiting_cases, 0) AS waiting_cases_before,
    COALESCE(in_hour.waiting_cases, 0) AS waiting_cases_within,
    COALESCE(in_hour.left_queue_cases, 0) AS left_queue_cases,
    COALESCE(in_hour.left_desk_cases, 0) AS left_desk_cases
  FROM queues
  CROSS JOIN open_hours
  LEFT JOIN first_waiting_cases
    ON queues.queue = first_waiting_cases.queue
  LEFT JOIN hourly_movements AS before_opening
    ON queues.queue = before_opening.queue
    AND open_hours.open_hour_number = before_opening.open_hour_number
    AND NOT before_opening.is_open
  LEFT JOIN hourly_movements AS in_hour
    ON queues.queue = in_hour.queue
    AND open_hours.open_hour_number = in_hour.open_hour_number
    AND in_hour.is_open
), running_hours AS (
  SELECT
    *,
    first_waiting_cases + SUM(waiting_cases_before + waiting_cases_within) OVER (
      PARTITION BY queue
      ORDER BY open_hour_number NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS waiting_cases_at_end
  FROM queue_hours
), dimension_hours AS (
  SELECT
    'queue' AS dimension,
    running_hours.queue AS dimension_value,
    running_hours.open_hour_number,
    running_hours.calendar_date,
    running_hours.waiting_cases_at_end - running_hours.waiting_cases_within AS waiting_cases_at_start,
    running_hours.waiting_cases_at_end,
    running_hours.left_queue_cases AS gone_cases
  FROM running_hours
  CROSS JOIN told_queues
  WHERE
    told_queues.is_queue_told
  UNION ALL
  SELECT
    'all' AS dimension,
    'all' AS dimension_value,
    open_hour_number,
    calendar_date,
    SUM(waiting_cases_at_end - waiting_cases_within) AS waiting_cases_at_start,
    SUM(waiting_cases_at_end) AS waiting_cases_at_end,
    SUM(left_desk_cases) AS gone_cases
  FROM running_hours
  GROUP BY
    open_hour_number,
    calendar_date
), agent_dates AS (
  SELECT
    spans.ended_date AS calendar_date,
    COALESCE(spans.team, 'none') AS queue,
    spans.agent,
    COUNT(*) AS gone_cases
  FROM staging.backlog_spans AS spans
  INNER JOIN recent_dates
    ON spans.ended_date = recent_dates.snapshot_date
  WHERE
    spans.is_open AND NOT spans.agent IS NULL AND NOT spans.is_queue_kept_at_end
  GROUP BY
    spans.ended_date,
    COALESCE(spans.team, 'none'),
    spans.agent
), agent_shares AS (
  SELECT
    calendar_date,
    queue,
    CAST(CAST(1.0 * gone_cases AS DOUBLE) / CAST(NULLIF(SUM(gone_cases) OVER (PARTITION BY calendar_date, agent), 0) AS DOUBLE) AS DECIMAL(28, 12)) AS heads
  FROM agent_dates
), estimated_heads AS (
  SELECT
    'queue' AS dimension,
    queue AS dimension_value,
    calendar_date,
    CAST(SUM(heads) AS DOUBLE) AS heads
  FROM agent_shares
  GROUP BY
    queue,
    calendar_date
  UNION ALL
  SELECT
    'all' AS dimension,
    'all' AS dimension_value,
    calendar_date,
    CAST(SUM(heads) AS DOUBLE) AS heads
  FROM agent_shares
  GROUP BY
    calendar_date
)
SELECT
  hours.dimension,
  hours.dimension_value,
  hours.open_hour_number,
  hours.calendar_date,
  CAST(hours.waiting_cases_at_start AS BIGINT) AS waiting_cases_at_start,
  CAST(hours.waiting_cases_at_end AS BIGINT) AS waiting_cases_at_end,
  CAST(hours.gone_cases AS BIGINT) AS gone_cases,
  CAST(CASE
    WHEN hours.dimension = 'all' AND NOT staffing.effective_heads IS NULL
    THEN staffing.effective_heads
    ELSE estimated_heads.heads
  END AS DOUBLE) AS heads,
  CASE
    WHEN hours.dimension = 'all' AND NOT staffing.effective_heads IS NULL
    THEN 'schedule'
    WHEN NOT estimated_heads.heads IS NULL
    THEN 'estimated'
    ELSE 'unknown'
  END AS heads_source
FROM dimension_hours AS hours
INNER JOIN loaded_dates
  ON hours.calendar_date = loaded_dates.intake_date
LEFT JOIN mart.staffing_daily AS staffing
  ON hours.calendar_date = staffing.calendar_date
LEFT JOIN estimated_heads
  ON hours.dimension = estimated_heads.dimension
  AND hours.dimension_value = estimated_heads.dimension_value
  AND hours.calendar_date = estimated_heads.calendar_date
