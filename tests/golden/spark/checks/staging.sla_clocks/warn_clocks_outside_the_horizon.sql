-- The Spark SQL of sql/checks/staging.sla_clocks/warn_clocks_outside_the_horizon.sql, written by `make docs`.
SELECT
  case_id,
  policy,
  metric,
  cycle,
  calendar,
  started_at,
  stopped_at
FROM staging.sla_clocks
WHERE
  intake_date >= :start_date
  AND intake_date < :end_date
  AND reason = 'outside_calendar_horizon'
