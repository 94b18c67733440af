-- One row is one model, value of one dimension, and how far ahead: how its forecasts of the last 8 fortnights compare with what came.
-- Rows from 1 to 14 days have all days, the others one day ahead each. Errors are forecast less actual. MASE: the error in units of the mean error of the seasonal naive
-- forecast within the history of each origin. Pinball loss: the mean of that of the low end as p10, of the expected cases as p50 and of the high end as p90. Intervals are judged
-- on days on which cases were to be expected: 0.1 or more, or an interval that reaches 1. On others none is nearly certain, and any interval holds. `as served` is what
-- the choice of the model would have said, made at each origin with what was known then (docs/decisions/0042-forecast.md).
with horizons as (
    select
        dimension,
        dimension_value,
        model,
        origin_date,
        1 as horizon_from_days,
        14 as horizon_to_days,
        is_business_day,
        expected_cases,
        low_cases,
        high_cases,
        arrived_cases,
        scale_cases,
        forecast_reason
    from mart.arrival_forecasts

    union all

    select
        dimension,
        dimension_value,
        model,
        origin_date,
        horizon_days as horizon_from_days,
        horizon_days as horizon_to_days,
        is_business_day,
        expected_cases,
        low_cases,
        high_cases,
        arrived_cases,
        scale_cases,
        forecast_reason
    from mart.arrival_forecasts
    where arrived_cases is not null
),

scored_days as (
    select
        dimension,
        dimension_value,
        model,
        origin_date,
        horizon_from_days,
        horizon_to_days,
        is_business_day,
        arrived_cases,
        forecast_reason,
        arrived_cases is not null and expected_cases is not null as is_scored,
        arrived_cases is not null and low_cases is not null as is_loss_scored,
        arrived_cases is not null and low_cases is not null and (expected_cases >= 0.1 or high_cases >= 1) as is_interval_scored,
        low_cases <= arrived_cases and arrived_cases <= high_cases as is_covered,
        high_cases - low_cases as width_cases,
        cast(expected_cases - arrived_cases as decimal(28, 9)) as error_cases,
        cast(abs(expected_cases - arrived_cases) as decimal(28, 9)) as absolute_error_cases,
        cast(abs(expected_cases - arrived_cases) / nullif(scale_cases, 0) as decimal(28, 9)) as scaled_error,
        cast(
            (
                case when arrived_cases >= low_cases then 0.1 * (arrived_cases - low_cases) else 0.9 * (low_cases - arrived_cases) end
                + 0.5 * abs(arrived_cases - expected_cases)
                + case when arrived_cases >= high_cases then 0.9 * (arrived_cases - high_cases) else 0.1 * (high_cases - arrived_cases) end
            ) / 3 as decimal(28, 9)
        ) as pinball_loss_cases
    from horizons
),

models as (
    select
        dimension,
        dimension_value,
        model,
        horizon_from_days,
        horizon_to_days,
        count(distinct case when is_scored then origin_date end) as origins,
        count(*) filter (where is_scored) as scored_days,
        count(*) filter (where is_loss_scored) as loss_days,
        count(*) filter (where is_interval_scored) as interval_days,
        count(*) filter (where is_interval_scored and is_business_day) as interval_business_days,
        count(*) filter (where is_interval_scored and is_covered) as covered_days,
        count(*) filter (where is_interval_scored and is_covered and is_business_day) as covered_business_days,
        sum(case when is_scored then arrived_cases end) as arrived_cases,
        sum(case when is_scored then error_cases end) as error_cases,
        sum(case when is_scored then absolute_error_cases end) as absolute_error_cases,
        sum(case when is_scored then scaled_error end) as scaled_error,
        count(*) filter (where is_scored and scaled_error is not null) as scaled_days,
        sum(case when is_loss_scored then pinball_loss_cases end) as pinball_loss_cases,
        sum(case when is_interval_scored then width_cases end) as width_cases,
        max(forecast_reason) as forecast_reason
    from scored_days
    group by dimension, dimension_value, model, horizon_from_days, horizon_to_days
),

served_models as (
    select
        dimension,
        dimension_value,
        served_model
    from mart.arrival_forecasts
    where
        model = 'as served'
        and horizon_days = 1
        and served_model is not null
)

select
    cast(desk_now.now_at as timestamp) as now_at,
    models.dimension,
    models.dimension_value,
    models.model,
    cast(models.horizon_from_days as bigint) as horizon_from_days,
    cast(models.horizon_to_days as bigint) as horizon_to_days,
    coalesce(served_models.served_model = models.model, false) as is_served,
    cast(models.origins as bigint) as origins,
    cast(models.scored_days as bigint) as scored_days,
    cast(models.arrived_cases / nullif(models.scored_days, 0) as double) as mean_arrived_cases,
    cast(models.absolute_error_cases / nullif(models.scored_days, 0) as double) as mean_absolute_error_cases,
    cast(models.scaled_error / nullif(models.scaled_days, 0) as double) as mase,
    cast(models.error_cases / nullif(models.scored_days, 0) as double) as bias_cases,
    cast(models.pinball_loss_cases / nullif(models.loss_days, 0) as double) as pinball_loss_cases,
    cast(models.interval_days as bigint) as interval_days,
    cast(100.0 * models.covered_days / nullif(models.interval_days, 0) as double) as covered_pct,
    cast(100.0 * models.covered_business_days / nullif(models.interval_business_days, 0) as double) as business_days_covered_pct,
    cast(1.0 * models.width_cases / nullif(models.interval_days, 0) as double) as mean_width_cases,
    models.forecast_reason
from models
cross join mart.desk_now as desk_now
left join served_models on models.dimension = served_models.dimension and models.dimension_value = served_models.dimension_value
