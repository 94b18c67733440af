-- One row is one stint of a case: who held it from when to when, how it came there, and what the stint added to its life.
-- Beside it the ticket that the case was escalated to, where a source tells links (docs/decisions/0048-links-between-cases.md).
-- The share is of the life that has passed, time after completion left out; the stint that goes on has what has ended of it
-- (docs/decisions/0046-ownership.md).
select
    stints.source,
    stints.case_id,
    stints.intake_date,
    stints.stint,
    stints.team,
    stints.previous_team,
    stints.entered_by,
    stints.is_planned_return,
    stints.entered_by_actor,
    stints.started_at,
    stints.ended_at,
    stints.is_last,
    stints.is_open,
    cast((stints.queue_calendar_seconds + stints.active_calendar_seconds + stints.wait_customer_calendar_seconds + stints.wait_other_calendar_seconds) / 60.0 as double)
        as held_calendar_minutes,
    cast((stints.queue_business_seconds + stints.active_business_seconds + stints.wait_customer_business_seconds + stints.wait_other_business_seconds) / 60.0 as double)
        as held_business_minutes,
    cast(
        case
            when not cases.is_open
                then
                    100.0 * (stints.queue_calendar_seconds + stints.active_calendar_seconds + stints.wait_customer_calendar_seconds + stints.wait_other_calendar_seconds)
                    / nullif(cases.queue_calendar_seconds + cases.active_calendar_seconds + cases.wait_customer_calendar_seconds + cases.wait_other_calendar_seconds, 0)
        end as double
    ) as share_of_life_pct,
    cast(stints.queue_calendar_seconds / 60.0 as double) as queue_calendar_minutes,
    cast(stints.active_calendar_seconds / 60.0 as double) as active_calendar_minutes,
    cast(stints.wait_customer_calendar_seconds / 60.0 as double) as wait_customer_calendar_minutes,
    cast(stints.wait_other_calendar_seconds / 60.0 as double) as wait_other_calendar_minutes,
    cast(stints.done_calendar_seconds / 60.0 as double) as done_calendar_minutes,
    cast(stints.inactive_calendar_seconds / 60.0 as double) as inactive_calendar_minutes,
    cast(stints.queue_business_seconds / 60.0 as double) as queue_business_minutes,
    cast(stints.active_business_seconds / 60.0 as double) as active_business_minutes,
    cast(stints.wait_customer_business_seconds / 60.0 as double) as wait_customer_business_minutes,
    cast(stints.wait_other_business_seconds / 60.0 as double) as wait_other_business_minutes,
    cast(stints.done_business_seconds / 60.0 as double) as done_business_minutes,
    cast(stints.inactive_business_seconds / 60.0 as double) as inactive_business_minutes,
    stints.team = cases.last_team as is_last_team,
    escalations.linked_case_id as escalation_case_id,
    escalations.linked_ts as escalated_at,
    stints.started_at >= escalations.linked_ts as is_after_escalation
from staging.ownership_stints as stints
inner join staging.ownership_cases as cases on stints.intake_date = cases.intake_date and stints.case_id = cases.case_id
left join staging.case_links as escalations
    on stints.intake_date = escalations.intake_date and stints.case_id = escalations.case_id and escalations.escalation_number = 1
