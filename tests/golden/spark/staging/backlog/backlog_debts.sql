-- The Spark SQL of sql/staging/backlog/backlog_debts.sql, written by `make docs`.
WITH clocks AS (
  SELECT
    source,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    calendar,
    state,
    started_at,
    stopped_at,
    running_seconds_before,
    open_seconds_at_start,
    target_seconds
  FROM staging.backlog_clocks
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT due_at IS NULL
    AND (
      stopped_at IS NULL OR due_at < stopped_at
    )
), open_spans AS (
  SELECT
    case_id,
    started_at,
    ended_at,
    team,
    priority,
    tier
  FROM staging.backlog_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_open
), cases AS (
  SELECT
    case_id,
    region,
    brand,
    channel
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), clock_spans AS (
  SELECT
    clocks.source,
    clocks.case_id,
    clocks.intake_date,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.calendar,
    clocks.state,
    clocks.running_seconds_before - clocks.target_seconds AS excess_seconds_before,
    clocks.open_seconds_at_start AS clock_open_seconds_at_start,
    CASE
      WHEN spans.started_at > clocks.started_at
      THEN spans.started_at
      ELSE clocks.started_at
    END AS started_at,
    CASE
      WHEN spans.ended_at IS NULL
      THEN clocks.stopped_at
      WHEN clocks.stopped_at < spans.ended_at
      THEN clocks.stopped_at
      ELSE spans.ended_at
    END AS stopped_at,
    spans.team,
    spans.priority,
    spans.tier
  FROM clocks
  INNER JOIN open_spans AS spans
    ON clocks.case_id = spans.case_id
    AND (
      clocks.stopped_at IS NULL OR spans.started_at < clocks.stopped_at
    )
    AND (
      spans.ended_at IS NULL OR spans.ended_at > clocks.started_at
    )
), counted_spans AS (
  SELECT
    clock_spans.*,
    start_time.open_seconds_before + CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(clock_spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_start,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(clock_spans.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_stop
  FROM clock_spans
  LEFT JOIN staging.business_time AS start_time
    ON clock_spans.calendar = start_time.calendar
    AND CAST(clock_spans.started_at AS DATE) = start_time.utc_date
    AND clock_spans.started_at >= start_time.segment_start_at
    AND clock_spans.started_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON clock_spans.calendar = stop_time.calendar
    AND CAST(clock_spans.stopped_at AS DATE) = stop_time.utc_date
    AND clock_spans.stopped_at >= stop_time.segment_start_at
    AND clock_spans.stopped_at < stop_time.segment_end_at
), measured_spans AS (
  SELECT
    *,
    excess_seconds_before + CASE
      WHEN state = 'running'
      THEN open_seconds_at_start - clock_open_seconds_at_start
      ELSE 0
    END AS excess_seconds_at_start,
    excess_seconds_before + CASE
      WHEN state = 'running'
      THEN open_seconds_at_stop - clock_open_seconds_at_start
      ELSE 0
    END AS excess_seconds_at_stop
  FROM counted_spans
), neighbours AS (
  SELECT
    *,
    COALESCE(LAG(stopped_at) OVER spans_in_order = started_at, FALSE) AS is_kept_at_start,
    COALESCE(LEAD(started_at) OVER spans_in_order = stopped_at, FALSE) AS is_kept_at_end,
    LAG(team) OVER spans_in_order AS previous_team,
    LAG(priority) OVER spans_in_order AS previous_priority,
    LAG(tier) OVER spans_in_order AS previous_tier,
    LEAD(team) OVER spans_in_order AS next_team,
    LEAD(priority) OVER spans_in_order AS next_priority,
    LEAD(tier) OVER spans_in_order AS next_tier
  FROM measured_spans
  WINDOW spans_in_order AS (
    PARTITION BY case_id, policy, metric, cycle
    ORDER BY started_at NULLS LAST, stopped_at NULLS LAST
  )
)
SELECT
  neighbours.source,
  neighbours.case_id,
  neighbours.intake_date,
  neighbours.policy,
  neighbours.metric,
  neighbours.cycle,
  neighbours.calendar,
  neighbours.state,
  neighbours.started_at,
  stopped_at,
  team,
  priority,
  tier,
  cases.region,
  cases.brand,
  cases.channel,
  open_seconds_at_start,
  CAST(open_seconds_at_stop AS BIGINT) AS open_seconds_at_stop,
  CAST(excess_seconds_at_start AS BIGINT) AS excess_seconds_at_start,
  CAST(CASE WHEN NOT stopped_at IS NULL THEN excess_seconds_at_stop END AS BIGINT) AS excess_seconds_at_stop,
  is_kept_at_start,
  is_kept_at_end,
  is_kept_at_start AND (
    team IS NOT DISTINCT FROM previous_team
  ) AS is_queue_kept_at_start,
  is_kept_at_end AND (
    team IS NOT DISTINCT FROM next_team
  ) AS is_queue_kept_at_end,
  is_kept_at_start AND (
    priority IS NOT DISTINCT FROM previous_priority
  ) AS is_priority_kept_at_start,
  is_kept_at_end AND (
    priority IS NOT DISTINCT FROM next_priority
  ) AS is_priority_kept_at_end,
  is_kept_at_start AND (
    tier IS NOT DISTINCT FROM previous_tier
  ) AS is_tier_kept_at_start,
  is_kept_at_end AND (
    tier IS NOT DISTINCT FROM next_tier
  ) AS is_tier_kept_at_end
FROM neighbours
INNER JOIN cases
  ON neighbours.case_id = cases.case_id
