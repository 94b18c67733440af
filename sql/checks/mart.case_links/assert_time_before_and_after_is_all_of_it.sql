-- Links of ended cases whose time before and after is not the time that the case was held.
-- A failure means that a second is counted twice or not at all; look first at sql/mart/links/case_links.sql.
with linked_cases as (
    select distinct
        intake_date,
        case_id
    from staging.case_links
    where linked_ts is not null
),

held_times as (
    select
        spans.case_id,
        sum(spans.calendar_seconds) as held_seconds
    from staging.ownership_spans as spans
    inner join linked_cases as links on spans.intake_date = links.intake_date and spans.case_id = links.case_id
    where spans.state <> 'done' and spans.ended_at is not null
    group by spans.case_id
)

select
    links.case_id,
    links.linked_case_id,
    links.held_before_link_calendar_seconds,
    links.held_after_link_calendar_seconds,
    held_times.held_seconds
from mart.case_links as links
inner join held_times on links.case_id = held_times.case_id
inner join staging.case_milestones as cases on links.intake_date = cases.intake_date and links.case_id = cases.case_id and not cases.is_open
where
    links.held_before_link_calendar_seconds is not null
    and links.held_before_link_calendar_seconds + links.held_after_link_calendar_seconds <> held_times.held_seconds
