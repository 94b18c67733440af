-- The Spark SQL of sql/checks/staging.arrivals/assert_every_case_came_in_once.sql, written by `make docs`.
WITH arrivals AS (
  SELECT
    intake_date,
    SUM(opened_cases) AS opened_cases
  FROM staging.arrivals
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), cases AS (
  SELECT
    intake_date,
    COUNT(DISTINCT case_id) AS cases
  FROM staging.backlog_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND is_open
    AND began_with = 'opened'
  GROUP BY
    intake_date
)
SELECT
  cases.intake_date,
  cases.cases,
  arrivals.opened_cases
FROM cases
FULL OUTER JOIN arrivals
  ON cases.intake_date = arrivals.intake_date
WHERE
  arrivals.opened_cases IS DISTINCT FROM cases.cases
