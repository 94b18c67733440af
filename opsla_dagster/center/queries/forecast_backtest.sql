-- One row is how one model did so many days ahead, of one value of one dimension: by how far ahead, then what was served at the time, then what serves today, then by its error.
select
    now_at,
    dimension,
    dimension_value,
    model,
    horizon_from_days,
    horizon_to_days,
    is_served,
    origins,
    scored_days,
    mean_arrived_cases,
    mean_absolute_error_cases,
    mase,
    bias_cases,
    pinball_loss_cases,
    interval_days,
    covered_pct,
    business_days_covered_pct,
    mean_width_cases,
    forecast_reason
from mart.forecast_backtest
where dimension = $dimension and dimension_value = $dimension_value
order by horizon_from_days, horizon_to_days, model = 'as served' desc, is_served desc, mean_absolute_error_cases nulls last, model
