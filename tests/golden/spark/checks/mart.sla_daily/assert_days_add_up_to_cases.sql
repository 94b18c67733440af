-- The Spark SQL of sql/checks/mart.sla_daily/assert_days_add_up_to_cases.sql, written by `make docs`.
WITH days AS (
  SELECT
    intake_date,
    opened_cases,
    sla_cases,
    sla_b_breached_cases
  FROM mart.sla_daily
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), cases AS (
  SELECT
    intake_date,
    COUNT(*) AS sla_cases,
    SUM(CASE WHEN is_sla_b_breached THEN 1 ELSE 0 END) AS sla_b_breached_cases
  FROM staging.case_sla_metrics
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  COALESCE(days.intake_date, cases.intake_date) AS intake_date,
  days.sla_cases,
  cases.sla_cases AS sla_cases_of_cases
FROM days
FULL OUTER JOIN cases
  ON days.intake_date = cases.intake_date
WHERE
  days.intake_date IS NULL
  OR days.sla_cases <> COALESCE(cases.sla_cases, 0)
  OR days.sla_b_breached_cases <> COALESCE(cases.sla_b_breached_cases, 0)
  OR days.sla_cases > days.opened_cases
