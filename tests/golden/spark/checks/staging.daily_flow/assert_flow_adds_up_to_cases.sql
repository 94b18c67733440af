-- The Spark SQL of sql/checks/staging.daily_flow/assert_flow_adds_up_to_cases.sql, written by `make docs`.
WITH flow AS (
  SELECT
    intake_date,
    SUM(cases) AS cases,
    SUM(CASE WHEN ended_date IS NULL THEN cases ELSE 0 END) AS open_cases
  FROM staging.daily_flow
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), milestones AS (
  SELECT
    intake_date,
    COUNT(*) AS cases,
    COUNT(*) FILTER(WHERE
      is_open) AS open_cases
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  milestones.intake_date,
  milestones.cases,
  flow.cases AS flow_cases,
  milestones.open_cases,
  flow.open_cases AS flow_open_cases
FROM milestones
LEFT JOIN flow
  ON milestones.intake_date = flow.intake_date
WHERE
  flow.cases IS NULL
  OR flow.cases <> milestones.cases
  OR flow.open_cases <> milestones.open_cases
