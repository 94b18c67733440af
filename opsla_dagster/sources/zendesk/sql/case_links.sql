-- One row is a link of a ticket: an incident to its problem, a follow-up to the closed ticket that it goes on from.
-- History tells since when an incident has its problem, and until when; of what was loaded without it only that it has it now. A follow-up is linked
-- from its creation on; its own record names the closed ticket, or that ticket's names it.
with problem_changes as (
    select
        ticket_id,
        value as problem_id,
        previous as previous_problem_id,
        at_ts,
        lead(at_ts) over in_order as next_at_ts,
        row_number() over in_order as change_number
    from history
    where field = 'problem_id'
    window in_order as (partition by ticket_id order by at_ts, audit_number, position)
),

problem_stretches as (
    select ticket_id, problem_id, at_ts as linked_ts, next_at_ts as unlinked_ts
    from problem_changes
    where problem_id is not null
    union all
    -- What it had before the first change that is told.
    select ticket_id, previous_problem_id as problem_id, cast(null as timestamp) as linked_ts, at_ts as unlinked_ts
    from problem_changes
    where change_number = 1 and previous_problem_id is not null
    union all
    select tickets.ticket_id, tickets.payload ->> '$.problem_id' as problem_id, cast(null as timestamp) as linked_ts, cast(null as timestamp) as unlinked_ts
    from tickets
    anti join problem_changes using (ticket_id)
    where tickets.payload ->> '$.problem_id' is not null
),

problems as (
    select
        ticket_id,
        problem_id as linked_ticket_id,
        'problem' as link_kind,
        'problem_id' as source_link_kind,
        case when bool_or(linked_ts is null) then null else min(linked_ts) end as linked_ts,
        case when not bool_or(unlinked_ts is null) then max(unlinked_ts) end as unlinked_ts
    from problem_stretches
    group by ticket_id, problem_id
),

follow_ups_told as (
    select
        ticket_id,
        coalesce(
            case when via_rel = 'follow_up' then payload ->> '$.via.source.from.ticket_id' end, payload ->> '$.followup_source_id'
        ) as linked_ticket_id
    from tickets
    union
    select
        unnest(cast(payload -> '$.followup_ids' as varchar [])) as ticket_id,
        ticket_id as linked_ticket_id
    from tickets
    where json_array_length(payload, '$.followup_ids') > 0
)

select
    used_cases.case_id,
    used_cases.intake_date,
    getvariable('prefix') || links.linked_ticket_id as linked_case_id,
    links.link_kind,
    links.source_link_kind,
    links.linked_ts,
    links.unlinked_ts
from (
    select * from problems
    union all
    select
        follow_ups_told.ticket_id, follow_ups_told.linked_ticket_id, 'follow_up' as link_kind, 'follow_up' as source_link_kind,
        tickets.intake_ts as linked_ts, cast(null as timestamp) as unlinked_ts
    from follow_ups_told
    inner join tickets using (ticket_id)
    where follow_ups_told.linked_ticket_id is not null
) as links
inner join used_cases using (ticket_id)
where links.linked_ticket_id <> links.ticket_id
