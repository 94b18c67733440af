-- The Spark SQL of sql/dashboards/backlog_burndown.sql, written by `make docs`.
WITH latest_date AS (
  SELECT
    MAX(calendar_date) AS calendar_date
  FROM mart.burn_down
)
SELECT
  burn_down.calendar_date,
  burn_down.dimension,
  burn_down.dimension_value,
  burn_down.open_cases,
  burn_down.arrived_cases,
  burn_down.gone_cases,
  burn_down.breached_open_cases,
  CAST(burn_down.debt_seconds AS DOUBLE) / CAST(3600.0 AS DOUBLE) AS debt_business_hours,
  burn_down.leaving_cases_per_business_day,
  burn_down.required_cases_per_business_day,
  burn_down.cleared_after_business_days,
  health.to_green_business_minutes,
  health.to_green_reason
FROM mart.burn_down AS burn_down
CROSS JOIN latest_date
LEFT JOIN mart.queue_health AS health
  ON burn_down.calendar_date = latest_date.calendar_date
  AND burn_down.dimension = health.dimension
  AND burn_down.dimension_value = health.dimension_value
WHERE
  burn_down.dimension IN ('all', 'queue')
ORDER BY
  burn_down.calendar_date NULLS LAST,
  burn_down.dimension NULLS LAST,
  burn_down.dimension_value NULLS LAST
