-- Hours of a plan whose heads are not the heads of its queues together.
-- A failure means that heads are shared out twice, or not at all; look first at queue_shares in opsla_dagster/staffing/planning.py.
with whole as (
    select
        metric,
        iso_weekday,
        hour_of_day,
        heads
    from mart.staffing_plan
    where roster = 'plan' and queue = 'all'
),

shares as (
    select
        metric,
        iso_weekday,
        hour_of_day,
        sum(heads) as heads
    from mart.staffing_plan
    where roster = 'plan' and queue <> 'all'
    group by metric, iso_weekday, hour_of_day
)

select
    whole.metric,
    whole.iso_weekday,
    whole.hour_of_day,
    whole.heads,
    shares.heads as queue_heads
from whole
inner join shares
    on whole.metric = shares.metric and whole.iso_weekday = shares.iso_weekday and whole.hour_of_day = shares.hour_of_day
where abs(whole.heads - shares.heads) > 0.000001
