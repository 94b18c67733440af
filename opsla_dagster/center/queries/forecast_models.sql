-- One row is one model, over all the days that it was scored on, of one value of one dimension: what was served at the time first, then what serves today, then by error.
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
where dimension = $dimension and dimension_value = $dimension_value and horizon_from_days = 1 and horizon_to_days = 14
order by model = 'as served' desc, is_served desc, mean_absolute_error_cases nulls last, model
