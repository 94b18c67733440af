-- One row is one local date and team, or all of them: cases held at its end, accepted and handed on during it.
-- mart.backlog_daily by queue, in the words of ownership: what is solved for the time being is not held, and what comes back is accepted anew.
-- Staffing is known of the desk as a whole, so only all teams together have heads.
select
    days.calendar_date,
    case
        when days.dimension = 'all' then 'all teams'
        when days.dimension_value = 'none' then 'UNASSIGNED'
        else days.dimension_value
    end as team,
    days.dimension = 'all' as is_all_teams,
    days.open_cases as held_cases,
    cast(days.opened_cases + days.reopened_cases + days.moved_in_cases as bigint) as accepted_cases,
    days.moved_out_cases as handed_on_cases,
    cast(days.left_cases + days.cancelled_cases as bigint) as completed_cases,
    case when days.dimension = 'all' then staffing.effective_heads end as effective_heads,
    cast(case when days.dimension = 'all' then days.open_cases / nullif(staffing.effective_heads, 0) end as double) as held_cases_per_head,
    cast(case when days.dimension = 'all' then (days.opened_cases + days.reopened_cases) / nullif(staffing.effective_heads, 0) end as double)
        as accepted_cases_per_head
from mart.backlog_daily as days
left join mart.staffing_daily as staffing on days.calendar_date = staffing.calendar_date
where days.dimension in ('all', 'queue')
