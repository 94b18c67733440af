-- One row is one date that is forecast, of one value of one dimension.
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
where dimension = $dimension and dimension_value = $dimension_value
order by calendar_date
