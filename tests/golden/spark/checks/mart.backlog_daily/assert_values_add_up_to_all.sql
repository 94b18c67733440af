-- The Spark SQL of sql/checks/mart.backlog_daily/assert_values_add_up_to_all.sql, written by `make docs`.
WITH sums AS (
  SELECT
    calendar_date,
    dimension,
    SUM(open_cases) AS open_cases,
    SUM(opened_cases) AS opened_cases,
    SUM(reopened_cases) AS reopened_cases,
    SUM(left_cases + cancelled_cases) AS gone_cases,
    SUM(moved_in_cases - moved_out_cases) AS moved_cases,
    SUM(
      age_under_1_day_cases + age_1_to_3_days_cases + age_3_to_7_days_cases + age_7_to_30_days_cases + age_over_30_days_cases
    ) AS aged_cases,
    SUM(breached_open_cases) AS breached_open_cases,
    SUM(debt_seconds) AS debt_seconds,
    SUM(debt_accrued_seconds - debt_repaid_seconds) AS debt_change_seconds
  FROM mart.backlog_daily
  WHERE
    calendar_date >= :start_date AND calendar_date < :end_date
  GROUP BY
    calendar_date,
    dimension
)
SELECT
  sums.calendar_date,
  sums.dimension,
  sums.open_cases,
  desk.open_cases AS open_cases_of_all,
  sums.moved_cases,
  sums.debt_seconds,
  desk.debt_seconds AS debt_seconds_of_all
FROM sums
LEFT JOIN sums AS desk
  ON sums.calendar_date = desk.calendar_date AND desk.dimension = 'all'
WHERE
  sums.open_cases IS DISTINCT FROM desk.open_cases
  OR sums.opened_cases IS DISTINCT FROM desk.opened_cases
  OR sums.reopened_cases IS DISTINCT FROM desk.reopened_cases
  OR sums.gone_cases IS DISTINCT FROM desk.gone_cases
  OR sums.moved_cases <> 0
  OR sums.aged_cases <> sums.open_cases
  OR sums.breached_open_cases IS DISTINCT FROM desk.breached_open_cases
  OR sums.debt_seconds IS DISTINCT FROM desk.debt_seconds
  OR sums.debt_change_seconds IS DISTINCT FROM desk.debt_change_seconds
