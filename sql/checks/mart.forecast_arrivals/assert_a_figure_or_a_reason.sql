-- Dates without expected arrivals and without a reason, with both a model and none, or whose expected arrivals lie outside their interval.
-- A failure means that something is guessed or hidden; look first at opsla_dagster/assets/forecast.py, then at the intervals of forecasting/backtest.py.
select
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
from mart.forecast_arrivals
where
    (expected_cases is null and forecast_reason is null)
    or (expected_cases is null and served_model is not null)
    or (expected_cases is not null and served_model is null)
    or expected_cases < low_cases - 1
    or expected_cases > high_cases + 1
