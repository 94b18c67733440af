-- One row is a link from a case to another case or ticket: what that is, as far as it is loaded, and the case's time before the link and after it.
-- Time is that of all who held the case up to completion, by the clock; after the link of an open case what has ended of it, and since when what goes on counts. It is told where the source tells since
-- when the link holds; a link made before intake holds from intake on (docs/decisions/0048-links-between-cases.md).
with links as (
    select
        links.*,
        case when links.linked_ts < cases.intake_ts then cases.intake_ts else links.linked_ts end as linked_at
    from staging.case_links as links
    inner join staging.case_milestones as cases on links.intake_date = cases.intake_date and links.case_id = cases.case_id
),

held_spans as (
    select
        links.case_id,
        links.linked_case_id,
        links.link_kind,
        coalesce(spans.calendar_seconds, 0) as calendar_seconds,
        case
            when spans.ended_at is not null then null
            when spans.started_at >= links.linked_at then spans.started_at
            else links.linked_at
        end as going_on_since_at,
        case
            when spans.ended_at <= links.linked_at then spans.calendar_seconds
            when spans.started_at >= links.linked_at then 0
            else epoch_us(links.linked_at) // 1000000 - epoch_us(spans.started_at) // 1000000
        end as before_seconds
    from links
    inner join staging.ownership_spans as spans on links.intake_date = spans.intake_date and links.case_id = spans.case_id
    where links.linked_at is not null and (spans.ended_at is not null or spans.is_open) and spans.state <> 'done'
),

held_times as (
    select
        case_id,
        linked_case_id,
        link_kind,
        sum(before_seconds) as before_seconds,
        sum(case when going_on_since_at is not null then 0 else calendar_seconds - before_seconds end) as after_seconds,
        max(going_on_since_at) as going_on_since_at
    from held_spans
    group by case_id, linked_case_id, link_kind
),

teams as (
    select
        links.case_id,
        links.linked_case_id,
        links.link_kind,
        max(stints.team) as team_at_link
    from links
    inner join staging.ownership_stints as stints
        on
            links.intake_date = stints.intake_date
            and links.case_id = stints.case_id
            and stints.started_at <= links.linked_at
            and (stints.ended_at is null or stints.ended_at > links.linked_at)
    group by links.case_id, links.linked_case_id, links.link_kind
)

select
    links.source,
    links.case_id,
    links.intake_date,
    links.linked_case_id,
    links.link_kind,
    links.source_link_kind,
    links.linked_ts,
    links.unlinked_ts,
    links.is_escalation,
    links.escalation_number,
    teams.team_at_link,
    cast(case when links.linked_at is not null then coalesce(held_times.before_seconds, 0) end as bigint) as held_before_link_calendar_seconds,
    cast(case when links.linked_at is not null then coalesce(held_times.after_seconds, 0) end as bigint) as held_after_link_calendar_seconds,
    cast(held_times.going_on_since_at as timestamp) as held_on_since_at,
    linked_cases.case_id is not null as is_linked_case_loaded,
    linked_cases.source as linked_source,
    case when linked_holders.team <> 'UNASSIGNED' then linked_holders.team end as linked_team,
    linked_cases.is_open as is_linked_case_open,
    linked_cases.ended_at as linked_ended_at
from links
left join held_times
    on links.case_id = held_times.case_id and links.linked_case_id = held_times.linked_case_id and links.link_kind = held_times.link_kind
left join teams on links.case_id = teams.case_id and links.linked_case_id = teams.linked_case_id and links.link_kind = teams.link_kind
left join staging.case_milestones as linked_cases on links.linked_case_id = linked_cases.case_id
left join staging.ownership_stints as linked_holders
    on linked_cases.intake_date = linked_holders.intake_date and linked_cases.case_id = linked_holders.case_id and linked_holders.is_last
