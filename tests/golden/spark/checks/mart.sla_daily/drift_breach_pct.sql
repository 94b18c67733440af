-- The Spark SQL of sql/checks/mart.sla_daily/drift_breach_pct.sql, written by `make docs`.
WITH days AS (
  SELECT
    intake_date,
    sla_cases,
    sla_a_incl_wait_breached_cases
  FROM mart.sla_daily
  WHERE
    intake_date >= :start_date - INTERVAL '28' DAY AND intake_date < :end_date
), earlier_weeks AS (
  SELECT
    today.intake_date,
    today.sla_cases,
    CAST(100.0 * today.sla_a_incl_wait_breached_cases AS DOUBLE) / CAST(NULLIF(today.sla_cases, 0) AS DOUBLE) AS breach_pct,
    CAST(100.0 * SUM(earlier.sla_a_incl_wait_breached_cases) AS DOUBLE) / CAST(NULLIF(SUM(earlier.sla_cases), 0) AS DOUBLE) AS trailing_breach_pct
  FROM days AS today
  INNER JOIN days AS earlier
    ON earlier.intake_date < today.intake_date
    AND earlier.intake_date >= today.intake_date - INTERVAL '28' DAY
  WHERE
    today.intake_date >= :start_date AND today.intake_date < :end_date
  GROUP BY
    today.intake_date,
    today.sla_cases,
    today.sla_a_incl_wait_breached_cases
)
SELECT
  intake_date,
  breach_pct,
  trailing_breach_pct
FROM earlier_weeks
WHERE
  sla_cases >= 100 AND breach_pct > trailing_breach_pct + 15
