-- The Spark SQL of sql/checks/mart.arrival_forecasts/assert_arrivals_agree_with_the_backlog.sql, written by `make docs`.
WITH told_arrivals AS (
  SELECT
    calendar_date,
    'queue' AS dimension,
    queue AS dimension_value,
    SUM(opened_cases + reopened_cases + moved_in_cases) AS arrived_cases
  FROM staging.arrivals
  GROUP BY
    calendar_date,
    queue
  UNION ALL
  SELECT
    calendar_date,
    'all' AS dimension,
    'all' AS dimension_value,
    SUM(opened_cases + reopened_cases) AS arrived_cases
  FROM staging.arrivals
  GROUP BY
    calendar_date
), told_queues AS (
  SELECT
    BOOL_OR(is_queue_told) AS is_queue_told
  FROM mart.backlog_sources
), arrivals AS (
  SELECT
    told_arrivals.calendar_date,
    told_arrivals.dimension,
    told_arrivals.dimension_value,
    told_arrivals.arrived_cases
  FROM told_arrivals
  INNER JOIN mart.snapshot_instants AS dates
    ON told_arrivals.calendar_date = dates.snapshot_date
  CROSS JOIN told_queues
  WHERE
    told_arrivals.arrived_cases > 0
    AND (
      told_arrivals.dimension = 'all' OR told_queues.is_queue_told
    )
), days AS (
  SELECT
    calendar_date,
    dimension,
    dimension_value,
    opened_cases + reopened_cases + moved_in_cases AS arrived_cases
  FROM mart.backlog_daily
  WHERE
    dimension IN ('all', 'queue')
    AND opened_cases + reopened_cases + moved_in_cases > 0
)
SELECT
  COALESCE(arrivals.calendar_date, days.calendar_date) AS calendar_date,
  COALESCE(arrivals.dimension_value, days.dimension_value) AS dimension_value,
  arrivals.arrived_cases,
  days.arrived_cases AS arrived_cases_of_backlog
FROM arrivals
FULL OUTER JOIN days
  ON arrivals.calendar_date = days.calendar_date
  AND arrivals.dimension = days.dimension
  AND arrivals.dimension_value = days.dimension_value
WHERE
  arrivals.arrived_cases IS DISTINCT FROM days.arrived_cases
