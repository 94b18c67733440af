-- The Spark SQL of sql/mart/backlog/backlog_daily.sql, written by `make docs`.
WITH instants AS (
  SELECT
    snapshot_date,
    snapshot_from_at,
    snapshot_at
  FROM mart.snapshot_instants
  WHERE
    snapshot_date >= :start_date AND snapshot_date < :end_date
), told_dimensions AS (
  SELECT
    BOOL_OR(is_status_told) AS is_status_told,
    BOOL_OR(is_queue_told) AS is_queue_told,
    BOOL_OR(is_priority_told) AS is_priority_told,
    BOOL_OR(is_tier_told) AS is_tier_told,
    BOOL_OR(is_region_told) AS is_region_told,
    BOOL_OR(is_brand_told) AS is_brand_told,
    BOOL_OR(is_channel_told) AS is_channel_told
  FROM mart.backlog_sources
), next_business_dates AS (
  SELECT
    instants.snapshot_date,
    MIN(days.local_date) AS next_business_date
  FROM instants
  INNER JOIN staging.business_time AS days
    ON days.calendar = 'desk'
    AND days.is_open
    AND days.local_date > instants.snapshot_date
    AND days.local_date <= instants.snapshot_date + INTERVAL '31' DAY
  GROUP BY
    instants.snapshot_date
), next_business_days AS (
  SELECT
    next_business_dates.snapshot_date,
    MAX(days.segment_end_at) AS next_business_day_end_at
  FROM next_business_dates
  INNER JOIN staging.business_time AS days
    ON days.calendar = 'desk'
    AND next_business_dates.next_business_date = days.local_date
  GROUP BY
    next_business_dates.snapshot_date
), open_cases AS (
  SELECT
    cases.snapshot_date,
    cases.waits_for,
    cases.age_calendar_minutes,
    cases.age_business_minutes,
    cases.age_band,
    cases.breached_clocks > 0 AS is_breached,
    cases.breached_clocks,
    COALESCE(cases.next_due_at < next_business_days.next_business_day_end_at, FALSE) AS is_due_next_business_day,
    cases.debt_seconds,
    COALESCE(cases.team, 'none') AS queue,
    COALESCE(cases.priority, 'none') AS priority,
    COALESCE(cases.tier, 'none') AS tier,
    COALESCE(cases.region, 'none') AS region,
    COALESCE(cases.brand, 'none') AS brand,
    COALESCE(cases.channel, 'none') AS channel
  FROM mart.backlog_snapshot AS cases
  LEFT JOIN next_business_days
    ON cases.snapshot_date = next_business_days.snapshot_date
  WHERE
    cases.snapshot_date >= :start_date AND cases.snapshot_date < :end_date
), counted_cases AS (
  SELECT
    snapshot_date,
    queue,
    priority,
    tier,
    region,
    brand,
    channel,
    COUNT(*) AS open_cases,
    COUNT(*) FILTER(WHERE
      waits_for = 'us') AS active_cases,
    COUNT(*) FILTER(WHERE
      waits_for <> 'us') AS waiting_cases,
    COUNT(*) FILTER(WHERE
      age_band = 'under_1_day') AS age_under_1_day_cases,
    COUNT(*) FILTER(WHERE
      age_band = '1_to_3_days') AS age_1_to_3_days_cases,
    COUNT(*) FILTER(WHERE
      age_band = '3_to_7_days') AS age_3_to_7_days_cases,
    COUNT(*) FILTER(WHERE
      age_band = '7_to_30_days') AS age_7_to_30_days_cases,
    COUNT(*) FILTER(WHERE
      age_band = 'over_30_days') AS age_over_30_days_cases,
    MAX(age_calendar_minutes) AS age_max_calendar_minutes,
    MAX(age_business_minutes) AS age_max_business_minutes,
    COUNT(*) FILTER(WHERE
      is_breached) AS breached_open_cases,
    SUM(breached_clocks) AS breached_open_clocks,
    COUNT(*) FILTER(WHERE
      is_due_next_business_day) AS due_next_business_day_cases,
    SUM(debt_seconds) AS debt_seconds
  FROM open_cases
  GROUP BY
    snapshot_date,
    queue,
    priority,
    tier,
    region,
    brand,
    channel
), standing_cases AS (
  SELECT
    snapshot_date,
    CASE
      WHEN GROUPING(queue) = 0
      THEN 'queue'
      WHEN GROUPING(priority) = 0
      THEN 'priority'
      WHEN GROUPING(tier) = 0
      THEN 'tier'
      WHEN GROUPING(region) = 0
      THEN 'region'
      WHEN GROUPING(brand) = 0
      THEN 'brand'
      WHEN GROUPING(channel) = 0
      THEN 'channel'
      ELSE 'all'
    END AS dimension,
    COALESCE(queue, priority, tier, region, brand, channel, 'all') AS dimension_value,
    SUM(open_cases) AS open_cases,
    SUM(active_cases) AS active_cases,
    SUM(waiting_cases) AS waiting_cases,
    SUM(age_under_1_day_cases) AS age_under_1_day_cases,
    SUM(age_1_to_3_days_cases) AS age_1_to_3_days_cases,
    SUM(age_3_to_7_days_cases) AS age_3_to_7_days_cases,
    SUM(age_7_to_30_days_cases) AS age_7_to_30_days_cases,
    SUM(age_over_30_days_cases) AS age_over_30_days_cases,
    MAX(age_max_calendar_minutes) AS age_max_calendar_minutes,
    MAX(age_max_business_minutes) AS age_max_business_minutes,
    SUM(breached_open_cases) AS breached_open_cases,
    SUM(breached_open_clocks) AS breached_open_clocks,
    SUM(due_next_business_day_cases) AS due_next_business_day_cases,
    SUM(debt_seconds) AS debt_seconds
  FROM counted_cases
  GROUP BY
    GROUPING SETS (
      (
        snapshot_date
      ),
      (snapshot_date, queue),
      (snapshot_date, priority),
      (snapshot_date, tier),
      (snapshot_date, region),
      (snapshot_date, brand),
      (snapshot_date, channel)
    )
), case_ages AS (
  SELECT
    snapshot_date,
    CASE
      WHEN GROUPING(queue) = 0
      THEN 'queue'
      WHEN GROUPING(priority) = 0
      THEN 'priority'
      WHEN GROUPING(tier) = 0
      THEN 'tier'
      WHEN GROUPING(region) = 0
      THEN 'region'
      WHEN GROUPING(brand) = 0
      THEN 'brand'
      WHEN GROUPING(channel) = 0
      THEN 'channel'
      ELSE 'all'
    END AS dimension,
    COALESCE(queue, priority, tier, region, brand, channel, 'all') AS dimension_value,
    PERCENTILE(age_calendar_minutes, ARRAY(0.5, 0.9))[0] AS age_p50_calendar_minutes,
    PERCENTILE(age_calendar_minutes, ARRAY(0.5, 0.9))[1] AS age_p90_calendar_minutes,
    PERCENTILE(age_business_minutes, ARRAY(0.5, 0.9))[0] AS age_p50_business_minutes,
    PERCENTILE(age_business_minutes, ARRAY(0.5, 0.9))[1] AS age_p90_business_minutes
  FROM open_cases
  GROUP BY
    GROUPING SETS (
      (
        snapshot_date
      ),
      (snapshot_date, queue),
      (snapshot_date, priority),
      (snapshot_date, tier),
      (snapshot_date, region),
      (snapshot_date, brand),
      (snapshot_date, channel)
    )
), span_movements AS (
  SELECT
    intake_date,
    case_id,
    started_date AS movement_date,
    CASE WHEN began_with = 'changed' THEN 'moved in' ELSE began_with END AS movement,
    COALESCE(team, 'none') AS queue,
    COALESCE(priority, 'none') AS priority,
    COALESCE(tier, 'none') AS tier,
    is_queue_kept_at_start AS is_queue_kept,
    is_priority_kept_at_start AS is_priority_kept,
    is_tier_kept_at_start AS is_tier_kept
  FROM staging.backlog_spans
  WHERE
    started_date >= :start_date
    AND started_date < :end_date
    AND is_open
    AND NOT (
      is_queue_kept_at_start AND is_priority_kept_at_start AND is_tier_kept_at_start
    )
  UNION ALL
  SELECT
    intake_date,
    case_id,
    ended_date AS movement_date,
    CASE WHEN ended_with = 'changed' THEN 'moved out' ELSE ended_with END AS movement,
    COALESCE(team, 'none') AS queue,
    COALESCE(priority, 'none') AS priority,
    COALESCE(tier, 'none') AS tier,
    is_queue_kept_at_end AS is_queue_kept,
    is_priority_kept_at_end AS is_priority_kept,
    is_tier_kept_at_end AS is_tier_kept
  FROM staging.backlog_spans
  WHERE
    ended_date >= :start_date
    AND ended_date < :end_date
    AND is_open
    AND NOT (
      is_queue_kept_at_end AND is_priority_kept_at_end AND is_tier_kept_at_end
    )
), case_movements AS (
  SELECT
    moves.movement_date,
    moves.movement,
    COALESCE(cases.region, 'none') AS region,
    COALESCE(cases.brand, 'none') AS brand,
    COALESCE(cases.channel, 'none') AS channel
  FROM span_movements AS moves
  INNER JOIN staging.case_milestones AS cases
    ON moves.intake_date = cases.intake_date AND moves.case_id = cases.case_id
  WHERE
    NOT moves.movement IN ('moved in', 'moved out')
), moved_among_values AS (
  SELECT
    moves.movement_date,
    moves.queue,
    moves.priority,
    moves.tier,
    COUNT(*) FILTER(WHERE
      moves.movement = 'opened') AS opened_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'reopened') AS reopened_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'moved in' AND NOT moves.is_queue_kept) AS moved_into_queue_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'moved in' AND NOT moves.is_priority_kept) AS moved_into_priority_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'moved in' AND NOT moves.is_tier_kept) AS moved_into_tier_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'moved out' AND NOT moves.is_queue_kept) AS moved_out_of_queue_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'moved out' AND NOT moves.is_priority_kept) AS moved_out_of_priority_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'moved out' AND NOT moves.is_tier_kept) AS moved_out_of_tier_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'ended') AS left_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'cancelled') AS cancelled_cases
  FROM span_movements AS moves
  INNER JOIN instants
    ON moves.movement_date = instants.snapshot_date
  GROUP BY
    moves.movement_date,
    moves.queue,
    moves.priority,
    moves.tier
), moved_of_cases AS (
  SELECT
    moves.movement_date,
    moves.region,
    moves.brand,
    moves.channel,
    COUNT(*) FILTER(WHERE
      moves.movement = 'opened') AS opened_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'reopened') AS reopened_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'ended') AS left_cases,
    COUNT(*) FILTER(WHERE
      moves.movement = 'cancelled') AS cancelled_cases
  FROM case_movements AS moves
  INNER JOIN instants
    ON moves.movement_date = instants.snapshot_date
  GROUP BY
    moves.movement_date,
    moves.region,
    moves.brand,
    moves.channel
), moved_cases AS (
  SELECT
    movement_date,
    CASE
      WHEN GROUPING(queue) = 0
      THEN 'queue'
      WHEN GROUPING(priority) = 0
      THEN 'priority'
      WHEN GROUPING(tier) = 0
      THEN 'tier'
      ELSE 'all'
    END AS dimension,
    COALESCE(queue, priority, tier, 'all') AS dimension_value,
    SUM(opened_cases) AS opened_cases,
    SUM(reopened_cases) AS reopened_cases,
    CASE
      WHEN GROUPING(queue) = 0
      THEN SUM(moved_into_queue_cases)
      WHEN GROUPING(priority) = 0
      THEN SUM(moved_into_priority_cases)
      WHEN GROUPING(tier) = 0
      THEN SUM(moved_into_tier_cases)
      ELSE 0
    END AS moved_in_cases,
    CASE
      WHEN GROUPING(queue) = 0
      THEN SUM(moved_out_of_queue_cases)
      WHEN GROUPING(priority) = 0
      THEN SUM(moved_out_of_priority_cases)
      WHEN GROUPING(tier) = 0
      THEN SUM(moved_out_of_tier_cases)
      ELSE 0
    END AS moved_out_cases,
    SUM(left_cases) AS left_cases,
    SUM(cancelled_cases) AS cancelled_cases
  FROM moved_among_values
  GROUP BY
    GROUPING SETS (
      (
        movement_date
      ),
      (movement_date, queue),
      (movement_date, priority),
      (movement_date, tier)
    )
  UNION ALL
  SELECT
    movement_date,
    CASE
      WHEN GROUPING(region) = 0
      THEN 'region'
      WHEN GROUPING(brand) = 0
      THEN 'brand'
      ELSE 'channel'
    END AS dimension,
    COALESCE(region, brand, channel) AS dimension_value,
    SUM(opened_cases) AS opened_cases,
    SUM(reopened_cases) AS reopened_cases,
    0 AS moved_in_cases,
    0 AS moved_out_cases,
    SUM(left_cases) AS left_cases,
    SUM(cancelled_cases) AS cancelled_cases
  FROM moved_of_cases
  GROUP BY
    GROUPING SETS (
      (movement_date, region),
      (movement_date, brand),
      (movement_date, channel)
    )
), day_times AS (
  SELECT
    instants.snapshot_date,
    end_time.calendar,
    start_time.open_seconds_before + CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(instants.snapshot_from_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_start,
    end_time.open_seconds_before + CASE
      WHEN end_time.is_open
      THEN CAST(UNIX_MICROS(CAST(instants.snapshot_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(end_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_end
  FROM instants
  INNER JOIN staging.business_time AS end_time
    ON CAST(instants.snapshot_at AS DATE) = end_time.utc_date
    AND instants.snapshot_at >= end_time.segment_start_at
    AND instants.snapshot_at < end_time.segment_end_at
  INNER JOIN staging.business_time AS start_time
    ON end_time.calendar = start_time.calendar
    AND CAST(instants.snapshot_from_at AS DATE) = start_time.utc_date
    AND instants.snapshot_from_at >= start_time.segment_start_at
    AND instants.snapshot_from_at < start_time.segment_end_at
), debt_spans AS (
  SELECT
    instants.snapshot_date,
    COALESCE(debts.team, 'none') AS queue,
    COALESCE(debts.priority, 'none') AS priority,
    COALESCE(debts.tier, 'none') AS tier,
    COALESCE(debts.region, 'none') AS region,
    COALESCE(debts.brand, 'none') AS brand,
    COALESCE(debts.channel, 'none') AS channel,
    debts.is_kept_at_start,
    debts.is_queue_kept_at_start,
    debts.is_priority_kept_at_start,
    debts.is_tier_kept_at_start,
    debts.is_kept_at_end,
    debts.is_queue_kept_at_end,
    debts.is_priority_kept_at_end,
    debts.is_tier_kept_at_end,
    debts.started_at >= instants.snapshot_from_at AS is_start_on_date,
    COALESCE(debts.stopped_at < instants.snapshot_at, FALSE) AS is_end_on_date,
    debts.excess_seconds_at_start + CASE
      WHEN debts.state <> 'running' OR debts.started_at >= instants.snapshot_from_at
      THEN 0
      ELSE day_times.open_seconds_at_start - debts.open_seconds_at_start
    END AS excess_seconds_from,
    CASE
      WHEN debts.stopped_at < instants.snapshot_at
      THEN debts.excess_seconds_at_stop
      WHEN debts.state <> 'running'
      THEN debts.excess_seconds_at_start
      ELSE debts.excess_seconds_at_start + day_times.open_seconds_at_end - debts.open_seconds_at_start
    END AS excess_seconds_to
  FROM instants
  INNER JOIN staging.backlog_debts AS debts
    ON debts.started_at < instants.snapshot_at
    AND (
      debts.stopped_at IS NULL OR debts.stopped_at >= instants.snapshot_from_at
    )
  LEFT JOIN day_times
    ON instants.snapshot_date = day_times.snapshot_date
    AND debts.calendar = day_times.calendar
), debt_movements AS (
  SELECT
    *,
    CASE WHEN excess_seconds_from > 0 THEN excess_seconds_from ELSE 0 END AS debt_seconds_from,
    CASE WHEN excess_seconds_to > 0 THEN excess_seconds_to ELSE 0 END AS debt_seconds_to
  FROM debt_spans
), counted_debts AS (
  SELECT
    snapshot_date,
    queue,
    priority,
    tier,
    region,
    brand,
    channel,
    SUM(
      debt_seconds_to - debt_seconds_from + CASE
        WHEN is_start_on_date AND NOT is_kept_at_start
        THEN debt_seconds_from
        ELSE 0
      END
    ) AS debt_accrued_seconds,
    SUM(CASE WHEN is_end_on_date AND NOT is_kept_at_end THEN debt_seconds_to ELSE 0 END) AS debt_repaid_seconds,
    SUM(
      CASE
        WHEN is_start_on_date AND is_kept_at_start AND NOT is_queue_kept_at_start
        THEN debt_seconds_from
        ELSE 0
      END
    ) AS moved_into_queue_seconds,
    SUM(
      CASE
        WHEN is_start_on_date AND is_kept_at_start AND NOT is_priority_kept_at_start
        THEN debt_seconds_from
        ELSE 0
      END
    ) AS moved_into_priority_seconds,
    SUM(
      CASE
        WHEN is_start_on_date AND is_kept_at_start AND NOT is_tier_kept_at_start
        THEN debt_seconds_from
        ELSE 0
      END
    ) AS moved_into_tier_seconds,
    SUM(
      CASE
        WHEN is_end_on_date AND is_kept_at_end AND NOT is_queue_kept_at_end
        THEN debt_seconds_to
        ELSE 0
      END
    ) AS moved_out_of_queue_seconds,
    SUM(
      CASE
        WHEN is_end_on_date AND is_kept_at_end AND NOT is_priority_kept_at_end
        THEN debt_seconds_to
        ELSE 0
      END
    ) AS moved_out_of_priority_seconds,
    SUM(
      CASE
        WHEN is_end_on_date AND is_kept_at_end AND NOT is_tier_kept_at_end
        THEN debt_seconds_to
        ELSE 0
      END
    ) AS moved_out_of_tier_seconds
  FROM debt_movements
  GROUP BY
    snapshot_date,
    queue,
    priority,
    tier,
    region,
    brand,
    channel
), moved_debts AS (
  SELECT
    snapshot_date,
    CASE
      WHEN GROUPING(queue) = 0
      THEN 'queue'
      WHEN GROUPING(priority) = 0
      THEN 'priority'
      WHEN GROUPING(tier) = 0
      THEN 'tier'
      WHEN GROUPING(region) = 0
      THEN 'region'
      WHEN GROUPING(brand) = 0
      THEN 'brand'
      WHEN GROUPING(channel) = 0
      THEN 'channel'
      ELSE 'all'
    END AS dimension,
    COALESCE(queue, priority, tier, region, brand, channel, 'all') AS dimension_value,
    SUM(debt_accrued_seconds) AS debt_accrued_seconds,
    SUM(debt_repaid_seconds) AS debt_repaid_seconds,
    CASE
      WHEN GROUPING(queue) = 0
      THEN SUM(moved_into_queue_seconds)
      WHEN GROUPING(priority) = 0
      THEN SUM(moved_into_priority_seconds)
      WHEN GROUPING(tier) = 0
      THEN SUM(moved_into_tier_seconds)
      ELSE 0
    END AS debt_moved_in_seconds,
    CASE
      WHEN GROUPING(queue) = 0
      THEN SUM(moved_out_of_queue_seconds)
      WHEN GROUPING(priority) = 0
      THEN SUM(moved_out_of_priority_seconds)
      WHEN GROUPING(tier) = 0
      THEN SUM(moved_out_of_tier_seconds)
      ELSE 0
    END AS debt_moved_out_seconds
  FROM counted_debts
  GROUP BY
    GROUPING SETS (
      (
        snapshot_date
      ),
      (snapshot_date, queue),
      (snapshot_date, priority),
      (snapshot_date, tier),
      (snapshot_date, region),
      (snapshot_date, brand),
      (snapshot_date, channel)
    )
), day_values AS (
  SELECT
    snapshot_date AS calendar_date,
    dimension,
    dimension_value
  FROM standing_cases
  UNION
  SELECT
    movement_date AS calendar_date,
    dimension,
    dimension_value
  FROM moved_cases
  UNION
  SELECT
    snapshot_date AS calendar_date,
    dimension,
    dimension_value
  FROM moved_debts
)
SELECT
  day_values.calendar_date,
  day_values.dimension,
  day_values.dimension_value,
  CAST(COALESCE(moved_cases.opened_cases, 0) AS BIGINT) AS opened_cases,
  CAST(COALESCE(moved_cases.reopened_cases, 0) AS BIGINT) AS reopened_cases,
  CAST(COALESCE(moved_cases.moved_in_cases, 0) AS BIGINT) AS moved_in_cases,
  CAST(COALESCE(moved_cases.moved_out_cases, 0) AS BIGINT) AS moved_out_cases,
  CAST(COALESCE(moved_cases.left_cases, 0) AS BIGINT) AS left_cases,
  CAST(COALESCE(moved_cases.cancelled_cases, 0) AS BIGINT) AS cancelled_cases,
  CAST(COALESCE(standing_cases.open_cases, 0) AS BIGINT) AS open_cases,
  CAST(CASE
    WHEN told_dimensions.is_status_told
    THEN COALESCE(standing_cases.active_cases, 0)
  END AS BIGINT) AS active_cases,
  CAST(CASE
    WHEN told_dimensions.is_status_told
    THEN COALESCE(standing_cases.waiting_cases, 0)
  END AS BIGINT) AS waiting_cases,
  CAST(COALESCE(standing_cases.age_under_1_day_cases, 0) AS BIGINT) AS age_under_1_day_cases,
  CAST(COALESCE(standing_cases.age_1_to_3_days_cases, 0) AS BIGINT) AS age_1_to_3_days_cases,
  CAST(COALESCE(standing_cases.age_3_to_7_days_cases, 0) AS BIGINT) AS age_3_to_7_days_cases,
  CAST(COALESCE(standing_cases.age_7_to_30_days_cases, 0) AS BIGINT) AS age_7_to_30_days_cases,
  CAST(COALESCE(standing_cases.age_over_30_days_cases, 0) AS BIGINT) AS age_over_30_days_cases,
  CAST(case_ages.age_p50_calendar_minutes AS DOUBLE) AS age_p50_calendar_minutes,
  CAST(case_ages.age_p90_calendar_minutes AS DOUBLE) AS age_p90_calendar_minutes,
  CAST(standing_cases.age_max_calendar_minutes AS DOUBLE) AS age_max_calendar_minutes,
  CAST(case_ages.age_p50_business_minutes AS DOUBLE) AS age_p50_business_minutes,
  CAST(case_ages.age_p90_business_minutes AS DOUBLE) AS age_p90_business_minutes,
  CAST(standing_cases.age_max_business_minutes AS DOUBLE) AS age_max_business_minutes,
  CAST(COALESCE(standing_cases.breached_open_cases, 0) AS BIGINT) AS breached_open_cases,
  CAST(COALESCE(standing_cases.breached_open_clocks, 0) AS BIGINT) AS breached_open_clocks,
  CAST(COALESCE(standing_cases.due_next_business_day_cases, 0) AS BIGINT) AS due_next_business_day_cases,
  CAST(COALESCE(moved_debts.debt_accrued_seconds, 0) AS BIGINT) AS debt_accrued_seconds,
  CAST(COALESCE(moved_debts.debt_repaid_seconds, 0) AS BIGINT) AS debt_repaid_seconds,
  CAST(COALESCE(moved_debts.debt_moved_in_seconds, 0) AS BIGINT) AS debt_moved_in_seconds,
  CAST(COALESCE(moved_debts.debt_moved_out_seconds, 0) AS BIGINT) AS debt_moved_out_seconds,
  CAST(COALESCE(standing_cases.debt_seconds, 0) AS BIGINT) AS debt_seconds
FROM day_values
CROSS JOIN told_dimensions
LEFT JOIN standing_cases
  ON day_values.calendar_date = standing_cases.snapshot_date
  AND day_values.dimension = standing_cases.dimension
  AND day_values.dimension_value = standing_cases.dimension_value
LEFT JOIN case_ages
  ON day_values.calendar_date = case_ages.snapshot_date
  AND day_values.dimension = case_ages.dimension
  AND day_values.dimension_value = case_ages.dimension_value
LEFT JOIN moved_cases
  ON day_values.calendar_date = moved_cases.movement_date
  AND day_values.dimension = moved_cases.dimension
  AND day_values.dimension_value = moved_cases.dimension_value
LEFT JOIN moved_debts
  ON day_values.calendar_date = moved_debts.snapshot_date
  AND day_values.dimension = moved_debts.dimension
  AND day_values.dimension_value = moved_debts.dimension_value
WHERE
  day_values.dimension = 'all'
  OR (
    day_values.dimension = 'queue' AND told_dimensions.is_queue_told
  )
  OR (
    day_values.dimension = 'priority' AND told_dimensions.is_priority_told
  )
  OR (
    day_values.dimension = 'tier' AND told_dimensions.is_tier_told
  )
  OR (
    day_values.dimension = 'region' AND told_dimensions.is_region_told
  )
  OR (
    day_values.dimension = 'brand' AND told_dimensions.is_brand_told
  )
  OR (
    day_values.dimension = 'channel' AND told_dimensions.is_channel_told
  )
