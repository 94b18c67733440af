-- One row is one local date from today on, and value of one dimension: the arrivals that are expected, and between which two figures they lie in four of five cases.
-- Today is the date of mart.desk_now; what came on it already is part of its figure. The model is the one that was better than the seasonal naive one by 5 % or more at past
-- dates, else that one; where nothing can be said, there is no figure, and the reason (docs/decisions/0042-forecast.md).
select
    cast(desk_now.now_at as timestamp) as now_at,
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
from mart.arrival_forecasts as forecasts
inner join mart.desk_now as desk_now on forecasts.origin_date = desk_now.now_date
where forecasts.model = 'as served'
