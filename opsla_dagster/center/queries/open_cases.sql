-- One row is one case that is open at the instant and passes the filters, those past due first, by how long; then by what falls due next. A filter that
-- is NULL lets every case through.
with open_cases as (
    select
        source,
        case_id,
        intake_ts,
        coalesce(team, 'none') as queue,
        coalesce(priority, 'none') as priority,
        coalesce(tier, 'none') as tier,
        coalesce(region, 'none') as region,
        coalesce(brand, 'none') as brand,
        coalesce(channel, 'none') as channel,
        status,
        status_since_at,
        waits_for,
        agent,
        age_calendar_minutes,
        stint_business_minutes,
        open_clocks,
        breached_clocks,
        breached_since_at,
        debt_seconds,
        next_metric,
        next_due_at,
        next_remaining_business_minutes,
        case
            when breached_clocks > 0 then 'past_due'
            when is_due_in_2_hours then 'due_in_2_hours'
            else 'later'
        end as standing,
        is_due_in_2_hours,
        age_band as age
    from mart.backlog_now
)

select
    open_cases.*,
    incomplete_cases.rejected_records
from open_cases
left join mart.incomplete_cases as incomplete_cases on open_cases.case_id = incomplete_cases.case_id
where
    ($queue is null or queue = $queue)
    and ($priority is null or priority = $priority)
    and ($tier is null or tier = $tier)
    and ($region is null or region = $region)
    and ($brand is null or brand = $brand)
    and ($channel is null or channel = $channel)
    and (
        $standing is null
        or ($standing = 'past_due' and breached_clocks > 0)
        or ($standing = 'due_in_2_hours' and is_due_in_2_hours)
        or ($standing = 'due_next_business_day' and next_due_at < $due_before)
    )
    and ($waits_for is null or waits_for = $waits_for)
    and ($status is null or status = $status)
    and ($age is null or age = $age)
order by breached_clocks = 0, debt_seconds desc, next_due_at nulls last, intake_ts, open_cases.case_id
