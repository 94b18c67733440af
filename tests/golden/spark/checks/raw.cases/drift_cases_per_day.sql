-- The Spark SQL of sql/checks/raw.cases/drift_cases_per_day.sql, written by `make docs`.
WITH days AS (
  SELECT
    intake_date,
    CAST(SUM(cases) AS DOUBLE) AS cases
  FROM raw.source_partitions
  WHERE
    intake_date >= :start_date - INTERVAL '28' DAY AND intake_date < :end_date
  GROUP BY
    intake_date
), holidays AS (
  SELECT
    calendar_date
  FROM raw.calendar_dim
  WHERE
    calendar = 'desk' AND is_holiday
), earlier_weeks AS (
  SELECT
    today.intake_date,
    today.cases,
    AVG(earlier.cases) AS mean_cases,
    COUNT(*) AS weeks
  FROM days AS today
  INNER JOIN days AS earlier
    ON earlier.intake_date = today.intake_date - INTERVAL '7' DAY
    OR earlier.intake_date = today.intake_date - INTERVAL '14' DAY
    OR earlier.intake_date = today.intake_date - INTERVAL '21' DAY
    OR earlier.intake_date = today.intake_date - INTERVAL '28' DAY
  WHERE
    today.intake_date >= :start_date AND today.intake_date < :end_date
  GROUP BY
    today.intake_date,
    today.cases
)
SELECT
  intake_date,
  cases,
  mean_cases
FROM earlier_weeks
LEFT JOIN holidays
  ON earlier_weeks.intake_date = holidays.calendar_date
WHERE
  holidays.calendar_date IS NULL
  AND weeks = 4
  AND mean_cases >= 30
  AND (
    cases < CAST(mean_cases AS DOUBLE) / CAST(3 AS DOUBLE) OR cases > mean_cases * 3
  )
