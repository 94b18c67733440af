-- One row is one hour of the day on business days or on other ones, of one value of one dimension; an hour without an arrival has a row, too.
with hours as (
    select cast(unnest(range(24)) as bigint) as hour_of_day
),

kinds as (
    select distinct is_business_day
    from mart.arrival_hours
    where dimension = $dimension and dimension_value = $dimension_value
)

select
    kinds.is_business_day,
    hours.hour_of_day,
    coalesce(arrivals.arrived_cases, 0) as arrived_cases,
    coalesce(arrivals.share_of_day_pct, 0) as share_of_day_pct
from kinds
cross join hours
left join mart.arrival_hours as arrivals
    on
        arrivals.dimension = $dimension
        and arrivals.dimension_value = $dimension_value
        and kinds.is_business_day = arrivals.is_business_day
        and hours.hour_of_day = arrivals.hour_of_day
order by kinds.is_business_day desc, hours.hour_of_day
