-- The Spark SQL of sql/checks/mart.forecast_arrivals/assert_a_figure_or_a_reason.sql, written by `make docs`.
SELECT
  now_at,
  dimension,
  dimension_value,
  calendar_date,
  horizon_days,
  is_business_day,
  is_day_of_holiday,
  served_model,
  expected_cases,
  low_cases,
  high_cases,
  total_expected_cases,
  total_low_cases,
  total_high_cases,
  forecast_reason
FROM mart.forecast_arrivals
WHERE
  (
    expected_cases IS NULL AND forecast_reason IS NULL
  )
  OR (
    expected_cases IS NULL AND NOT served_model IS NULL
  )
  OR (
    NOT expected_cases IS NULL AND served_model IS NULL
  )
  OR expected_cases < low_cases - 1
  OR expected_cases > high_cases + 1
