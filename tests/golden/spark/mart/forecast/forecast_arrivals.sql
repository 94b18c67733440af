-- The Spark SQL of sql/mart/forecast/forecast_arrivals.sql, written by `make docs`.
SELECT
  CAST(desk_now.now_at AS TIMESTAMP_NTZ) AS now_at,
  forecasts.dimension,
  forecasts.dimension_value,
  forecasts.calendar_date,
  forecasts.horizon_days,
  forecasts.is_business_day,
  forecasts.is_day_of_holiday,
  forecasts.served_model,
  forecasts.expected_cases,
  forecasts.low_cases,
  forecasts.high_cases,
  forecasts.total_expected_cases,
  forecasts.total_low_cases,
  forecasts.total_high_cases,
  forecasts.forecast_reason
FROM mart.arrival_forecasts AS forecasts
INNER JOIN mart.desk_now AS desk_now
  ON forecasts.origin_date = desk_now.now_date
WHERE
  forecasts.model = 'as served'
