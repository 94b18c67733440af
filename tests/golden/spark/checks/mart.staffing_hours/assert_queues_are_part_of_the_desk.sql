-- The Spark SQL of sql/checks/mart.staffing_hours/assert_queues_are_part_of_the_desk.sql, written by `make docs`.
WITH desk AS (
  SELECT
    iso_weekday,
    hour_of_day,
    open_business_minutes,
    cases_per_week
  FROM mart.staffing_hours
  WHERE
    queue = 'all'
), queues AS (
  SELECT
    iso_weekday,
    hour_of_day,
    MAX(open_business_minutes) AS open_business_minutes,
    SUM(cases_per_week) AS cases_per_week
  FROM mart.staffing_hours
  WHERE
    queue <> 'all'
  GROUP BY
    iso_weekday,
    hour_of_day
)
SELECT
  queues.iso_weekday,
  queues.hour_of_day,
  queues.cases_per_week,
  desk.cases_per_week AS desk_cases_per_week
FROM queues
LEFT JOIN desk
  ON queues.iso_weekday = desk.iso_weekday AND queues.hour_of_day = desk.hour_of_day
WHERE
  desk.iso_weekday IS NULL
  OR queues.cases_per_week > desk.cases_per_week + 0.000001
  OR queues.open_business_minutes <> desk.open_business_minutes
