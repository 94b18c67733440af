-- The Spark SQL of sql/mart/backlog/queue_health.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at,
    now_date
  FROM mart.desk_now
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
), business_days AS (
  SELECT
    days.local_date,
    CAST(SUM(
      CAST(UNIX_MICROS(CAST(days.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(days.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS business_minutes
  FROM staging.business_time AS days
  INNER JOIN now_instant
    ON days.local_date >= now_instant.now_date - INTERVAL '45' DAY
    AND days.local_date < now_instant.now_date + INTERVAL '45' DAY
  WHERE
    days.calendar = 'desk' AND days.is_open
  GROUP BY
    days.local_date
), recent_business_days AS (
  SELECT
    business_days.local_date,
    ROW_NUMBER() OVER (ORDER BY business_days.local_date DESC) AS days_ago
  FROM business_days
  INNER JOIN now_instant
    ON business_days.local_date < now_instant.now_date
), recent_days AS (
  SELECT
    MAX(local_date) AS last_date,
    COALESCE(MAX(CASE WHEN days_ago = 11 THEN local_date END), MIN(local_date)) AS before_date
  FROM recent_business_days
), loaded_dates AS (
  SELECT DISTINCT
    intake_date
  FROM ops.partition_as_of
), first_dates AS (
  SELECT
    MIN(intake_date) AS first_intake_date
  FROM loaded_dates
), missing_days AS (
  SELECT
    COUNT(DISTINCT days.local_date) AS unloaded_days
  FROM staging.business_time AS days
  INNER JOIN recent_days
    ON days.local_date > recent_days.before_date
    AND days.local_date <= recent_days.last_date
  INNER JOIN first_dates
    ON days.local_date >= first_dates.first_intake_date
  LEFT JOIN loaded_dates
    ON days.local_date = loaded_dates.intake_date
  WHERE
    days.calendar = 'desk' AND loaded_dates.intake_date IS NULL
), next_business_dates AS (
  SELECT
    MIN(business_days.local_date) AS next_business_date
  FROM business_days
  INNER JOIN now_instant
    ON business_days.local_date > now_instant.now_date
), next_business_days AS (
  SELECT
    next_business_dates.next_business_date,
    business_days.business_minutes AS next_day_business_minutes,
    MAX(segments.segment_end_at) AS next_business_day_end_at,
    CAST(SUM(
      CASE
        WHEN NOT segments.is_open OR segments.segment_end_at <= now_instant.now_at
        THEN 0
        WHEN segments.segment_start_at < now_instant.now_at
        THEN UNIX_MICROS(CAST(segments.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(now_instant.now_at AS TIMESTAMP_LTZ))
        ELSE UNIX_MICROS(CAST(segments.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(segments.segment_start_at AS TIMESTAMP_LTZ))
      END
    ) AS DOUBLE) / CAST(60000000.0 AS DOUBLE) AS due_business_minutes
  FROM next_business_dates
  CROSS JOIN now_instant
  INNER JOIN business_days
    ON next_business_dates.next_business_date = business_days.local_date
  INNER JOIN staging.business_time AS segments
    ON segments.calendar = 'desk'
    AND segments.local_date >= now_instant.now_date
    AND next_business_dates.next_business_date >= segments.local_date
  GROUP BY
    next_business_dates.next_business_date,
    business_days.business_minutes
), open_cases AS (
  SELECT
    cases.waits_for,
    cases.age_calendar_minutes,
    cases.age_business_minutes,
    cases.breached_clocks,
    cases.debt_seconds,
    cases.next_due_at,
    cases.is_due_in_2_hours,
    COALESCE(cases.next_due_at < next_business_days.next_business_day_end_at, FALSE) AS is_due_next_business_day,
    COALESCE(cases.team, 'none') AS queue,
    COALESCE(cases.priority, 'none') AS priority,
    COALESCE(cases.tier, 'none') AS tier,
    COALESCE(cases.region, 'none') AS region,
    COALESCE(cases.brand, 'none') AS brand,
    COALESCE(cases.channel, 'none') AS channel
  FROM mart.backlog_now AS cases
  CROSS JOIN now_instant
  LEFT JOIN next_business_days
    ON next_business_days.next_business_date > now_instant.now_date
), standing_cases AS (
  SELECT
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
    COUNT(*) AS open_cases,
    COUNT(*) FILTER(WHERE
      waits_for = 'us') AS active_cases,
    COUNT(*) FILTER(WHERE
      waits_for <> 'us') AS waiting_cases,
    COUNT(*) FILTER(WHERE
      breached_clocks > 0) AS breached_open_cases,
    SUM(breached_clocks) AS breached_open_clocks,
    SUM(debt_seconds) AS debt_seconds,
    COUNT(*) FILTER(WHERE
      is_due_in_2_hours) AS due_in_2_hours_cases,
    COUNT(*) FILTER(WHERE
      is_due_next_business_day) AS due_next_business_day_cases,
    COUNT(*) FILTER(WHERE
      is_due_next_business_day AND breached_clocks = 0) AS falling_due_cases,
    MIN(next_due_at) AS next_due_at,
    PERCENTILE(age_calendar_minutes, ARRAY(0.5, 0.9))[0] AS age_p50_calendar_minutes,
    PERCENTILE(age_calendar_minutes, ARRAY(0.5, 0.9))[1] AS age_p90_calendar_minutes,
    MAX(age_calendar_minutes) AS age_max_calendar_minutes,
    MAX(age_business_minutes) AS age_max_business_minutes
  FROM open_cases
  GROUP BY
    GROUPING SETS (
      (),
      (
        queue
      ),
      (
        priority
      ),
      (
        tier
      ),
      (
        region
      ),
      (
        brand
      ),
      (
        channel
      )
    )
), paces AS (
  SELECT
    dimension,
    dimension_value,
    COUNT(*) AS worked_days,
    SUM(arrived_cases) AS arrived_cases,
    SUM(gone_cases) AS left_cases,
    SUM(pace_day_business_minutes) AS business_minutes
  FROM mart.pace_days
  GROUP BY
    dimension,
    dimension_value
), health_values AS (
  SELECT
    dimension,
    dimension_value
  FROM standing_cases
  UNION
  SELECT
    dimension,
    dimension_value
  FROM paces
), measured_values AS (
  SELECT
    health_values.dimension,
    health_values.dimension_value,
    COALESCE(standing_cases.open_cases, 0) AS open_cases,
    COALESCE(standing_cases.active_cases, 0) AS active_cases,
    COALESCE(standing_cases.waiting_cases, 0) AS waiting_cases,
    COALESCE(standing_cases.breached_open_cases, 0) AS breached_open_cases,
    COALESCE(standing_cases.breached_open_clocks, 0) AS breached_open_clocks,
    COALESCE(standing_cases.debt_seconds, 0) AS debt_seconds,
    COALESCE(standing_cases.due_in_2_hours_cases, 0) AS due_in_2_hours_cases,
    COALESCE(standing_cases.due_next_business_day_cases, 0) AS due_next_business_day_cases,
    standing_cases.next_due_at,
    standing_cases.age_p50_calendar_minutes,
    standing_cases.age_p90_calendar_minutes,
    standing_cases.age_max_calendar_minutes,
    standing_cases.age_max_business_minutes,
    COALESCE(paces.worked_days, 0) AS worked_days,
    CAST(60.0 * paces.arrived_cases AS DOUBLE) / CAST(NULLIF(paces.business_minutes, 0) AS DOUBLE) AS arrived_cases_per_business_hour,
    CAST(60.0 * paces.left_cases AS DOUBLE) / CAST(NULLIF(paces.business_minutes, 0) AS DOUBLE) AS left_cases_per_business_hour,
    CAST(60.0 * COALESCE(standing_cases.falling_due_cases, 0) AS DOUBLE) / CAST(NULLIF(next_business_days.due_business_minutes, 0) AS DOUBLE) AS due_cases_per_business_hour,
    COALESCE(standing_cases.falling_due_cases, 0) AS falling_due_cases,
    next_business_days.due_business_minutes,
    next_business_days.next_day_business_minutes,
    missing_days.unloaded_days
  FROM health_values
  CROSS JOIN missing_days
  LEFT JOIN standing_cases
    ON health_values.dimension = standing_cases.dimension
    AND health_values.dimension_value = standing_cases.dimension_value
  LEFT JOIN paces
    ON health_values.dimension = paces.dimension
    AND health_values.dimension_value = paces.dimension_value
  LEFT JOIN next_business_days
    ON next_business_days.next_day_business_minutes > 0
), forecast_values AS (
  SELECT
    *,
    CAST(60.0 * breached_open_cases AS DOUBLE) / CAST(NULLIF(left_cases_per_business_hour, 0) AS DOUBLE) AS debt_work_business_minutes,
    CASE
      WHEN breached_open_cases = 0
      THEN 0
      WHEN due_cases_per_business_hour IS NULL
      THEN NULL
      WHEN 60.0 * (
        breached_open_cases + falling_due_cases
      ) < left_cases_per_business_hour * due_business_minutes
      THEN CAST(60.0 * breached_open_cases AS DOUBLE) / CAST(NULLIF(left_cases_per_business_hour - due_cases_per_business_hour, 0) AS DOUBLE)
      ELSE CAST(60.0 * (
        breached_open_cases + falling_due_cases
      ) AS DOUBLE) / CAST(NULLIF(left_cases_per_business_hour, 0) AS DOUBLE)
    END AS to_green_business_minutes,
    CASE
      WHEN breached_open_cases = 0
      THEN 'green now'
      WHEN COALESCE(left_cases_per_business_hour, 0) = 0 AND unloaded_days > 0
      THEN 'no case is known to have left in the last 10 business days (' || CAST(unloaded_days AS STRING) || CASE WHEN unloaded_days = 1 THEN ' date of them is' ELSE ' dates of them are' END || ' not loaded): pace unknown'
      WHEN left_cases_per_business_hour IS NULL OR left_cases_per_business_hour = 0
      THEN 'no case left in the business days before: pace unknown'
      WHEN due_cases_per_business_hour IS NULL
      THEN 'no business day ahead in the calendar'
      ELSE 'at this pace'
    END AS to_green_reason
  FROM measured_values
), slow_queues AS (
  SELECT
    dimension_value AS queue,
    to_green_business_minutes,
    to_green_reason,
    SUM(CASE WHEN to_green_business_minutes IS NULL THEN 1 ELSE 0 END) OVER () AS unknown_queues,
    MAX(to_green_business_minutes) OVER () AS others_green_business_minutes,
    ROW_NUMBER() OVER (
      ORDER BY to_green_business_minutes DESC NULLS FIRST, breached_open_cases DESC, dimension_value NULLS LAST
    ) AS slowness_rank
  FROM forecast_values
  WHERE
    dimension = 'queue' AND breached_open_cases > 0
), slowest_queues AS (
  SELECT
    'all' AS dimension,
    slow_queues.to_green_business_minutes,
    CASE
      WHEN NOT slow_queues.to_green_business_minutes IS NULL AND slow_queues.queue = 'none'
      THEN 'at the pace of the cases with no queue told, the slowest'
      WHEN NOT slow_queues.to_green_business_minutes IS NULL
      THEN 'at the pace of queue ' || slow_queues.queue || ', the slowest'
      ELSE CASE
        WHEN slow_queues.queue = 'none'
        THEN 'no queue told'
        ELSE 'queue ' || slow_queues.queue
      END || CASE
        WHEN slow_queues.unknown_queues > 1
        THEN ' (and ' || CAST(slow_queues.unknown_queues - 1 AS STRING) || ' more)'
        ELSE ''
      END || ': ' || slow_queues.to_green_reason || CASE
        WHEN slow_queues.others_green_business_minutes IS NULL
        THEN '; all others green now'
        ELSE '; all but ' || CAST(slow_queues.unknown_queues AS STRING) || CASE WHEN slow_queues.unknown_queues = 1 THEN ' queue: ' ELSE ' queues: ' END || CAST(CAST(ROUND(slow_queues.others_green_business_minutes) AS BIGINT) AS STRING) || ' min'
      END
    END AS to_green_reason
  FROM slow_queues
  CROSS JOIN told_dimensions
  WHERE
    slow_queues.slowness_rank = 1 AND told_dimensions.is_queue_told
), green_values AS (
  SELECT
    forecast_values.*,
    CASE
      WHEN NOT slowest_queues.dimension IS NULL
      AND slowest_queues.to_green_business_minutes IS NULL
      THEN NULL
      WHEN slowest_queues.to_green_business_minutes > forecast_values.to_green_business_minutes
      THEN slowest_queues.to_green_business_minutes
      ELSE forecast_values.to_green_business_minutes
    END AS until_green_business_minutes,
    CASE
      WHEN forecast_values.to_green_business_minutes IS NULL
      THEN forecast_values.to_green_reason
      WHEN NOT slowest_queues.dimension IS NULL
      AND slowest_queues.to_green_business_minutes IS NULL
      THEN slowest_queues.to_green_reason
      WHEN slowest_queues.to_green_business_minutes > forecast_values.to_green_business_minutes
      THEN slowest_queues.to_green_reason
      ELSE forecast_values.to_green_reason
    END AS until_green_reason
  FROM forecast_values
  LEFT JOIN slowest_queues
    ON forecast_values.dimension = slowest_queues.dimension
)
SELECT
  CAST(now_instant.now_at AS TIMESTAMP_NTZ) AS now_at,
  green_values.dimension,
  green_values.dimension_value,
  CAST(green_values.open_cases AS BIGINT) AS open_cases,
  CAST(CASE WHEN told_dimensions.is_status_told THEN green_values.active_cases END AS BIGINT) AS active_cases,
  CAST(CASE WHEN told_dimensions.is_status_told THEN green_values.waiting_cases END AS BIGINT) AS waiting_cases,
  CAST(green_values.breached_open_cases AS BIGINT) AS breached_open_cases,
  CAST(green_values.breached_open_clocks AS BIGINT) AS breached_open_clocks,
  CAST(green_values.debt_seconds AS BIGINT) AS debt_seconds,
  CAST(green_values.due_in_2_hours_cases AS BIGINT) AS due_in_2_hours_cases,
  CAST(green_values.due_next_business_day_cases AS BIGINT) AS due_next_business_day_cases,
  CAST(green_values.next_due_at AS TIMESTAMP_NTZ) AS next_due_at,
  CAST(green_values.age_p50_calendar_minutes AS DOUBLE) AS age_p50_calendar_minutes,
  CAST(green_values.age_p90_calendar_minutes AS DOUBLE) AS age_p90_calendar_minutes,
  CAST(green_values.age_max_calendar_minutes AS DOUBLE) AS age_max_calendar_minutes,
  CAST(green_values.age_max_business_minutes AS DOUBLE) AS age_max_business_minutes,
  CAST(green_values.worked_days AS BIGINT) AS worked_days,
  CAST(green_values.unloaded_days AS BIGINT) AS unloaded_days,
  CAST(green_values.arrived_cases_per_business_hour AS DOUBLE) AS arrived_cases_per_business_hour,
  CAST(green_values.left_cases_per_business_hour AS DOUBLE) AS left_cases_per_business_hour,
  CAST(green_values.due_cases_per_business_hour AS DOUBLE) AS due_cases_per_business_hour,
  CAST(green_values.debt_work_business_minutes AS DOUBLE) AS debt_work_business_minutes,
  CAST(green_values.until_green_business_minutes AS DOUBLE) AS to_green_business_minutes,
  green_values.until_green_reason AS to_green_reason,
  CASE
    WHEN green_values.breached_open_cases = 0
    THEN 'green'
    WHEN green_values.until_green_business_minutes <= green_values.next_day_business_minutes
    THEN 'amber'
    ELSE 'red'
  END AS health
FROM green_values
CROSS JOIN now_instant
CROSS JOIN told_dimensions
WHERE
  green_values.dimension = 'all'
  OR (
    green_values.dimension = 'queue' AND told_dimensions.is_queue_told
  )
  OR (
    green_values.dimension = 'priority' AND told_dimensions.is_priority_told
  )
  OR (
    green_values.dimension = 'tier' AND told_dimensions.is_tier_told
  )
  OR (
    green_values.dimension = 'region' AND told_dimensions.is_region_told
  )
  OR (
    green_values.dimension = 'brand' AND told_dimensions.is_brand_told
  )
  OR (
    green_values.dimension = 'channel' AND told_dimensions.is_channel_told
  )
