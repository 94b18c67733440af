-- One row is the desk, or one queue: what is expected of the next 7 and 14 days, how what was served did, and how the backlog stands to its usual size.
select
    forecasts.dimension,
    forecasts.dimension_value,
    forecasts.served_model,
    min(case when forecasts.horizon_days = 7 then forecasts.total_expected_cases end) as week_cases,
    min(case when forecasts.horizon_days = 7 then forecasts.total_low_cases end) as week_low_cases,
    min(case when forecasts.horizon_days = 7 then forecasts.total_high_cases end) as week_high_cases,
    min(backtest.mean_absolute_error_cases) as mean_absolute_error_cases,
    min(backtest.covered_pct) as covered_pct,
    min(clear.open_cases) as open_cases,
    min(clear.target_cases) as target_cases,
    min(clear.reached_p50_date) as reached_p50_date,
    min(clear.clear_reason) as clear_reason,
    min(forecasts.forecast_reason) as forecast_reason
from mart.forecast_arrivals as forecasts
left join mart.forecast_backtest as backtest
    on
        forecasts.dimension = backtest.dimension
        and forecasts.dimension_value = backtest.dimension_value
        and backtest.model = 'as served'
        and backtest.horizon_from_days = 1
        and backtest.horizon_to_days = 14
left join mart.backlog_clear_forecast as clear
    on
        forecasts.dimension = clear.dimension
        and forecasts.dimension_value = clear.dimension_value
        and clear.what_if = 'as now'
        and clear.goal = 'usual'
group by forecasts.dimension, forecasts.dimension_value, forecasts.served_model
order by forecasts.dimension, week_cases desc nulls last, forecasts.dimension_value
