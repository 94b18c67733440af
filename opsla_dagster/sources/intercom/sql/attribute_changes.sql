-- One row is an assignment. Conversations begin unassigned.
with assigned as (
    select ticket_id, part_id, audit_number, at_ts, 'agent' as attribute, assigned_admin as value
    from parts
    where assigned_admin is not null or unassigned = 'admin'
    union all
    select
        parts.ticket_id, parts.part_id, parts.audit_number, parts.at_ts, 'team' as attribute,
        coalesce(teams.name, parts.assigned_team) as value
    from parts
    left join teams on parts.assigned_team = teams.id
    where parts.assigned_team is not null or parts.unassigned = 'team'
    union all
    select
        parts.ticket_id, parts.part_id, parts.audit_number, parts.at_ts, 'region' as attribute,
        coalesce(teams.name, parts.assigned_team) as value
    from parts
    left join teams on parts.assigned_team = teams.id
    where getvariable('region_from') = 'team' and (parts.assigned_team is not null or parts.unassigned = 'team')
),

with_previous as (
    select
        *,
        lag(value) over (partition by ticket_id, attribute order by at_ts, audit_number, part_id) as previous_value
    from assigned
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || part_id || '.' || attribute as change_id,
    at_ts as changed_ts,
    audit_number,
    0 as position,
    attribute,
    value,
    previous_value
from with_previous
inner join used_cases using (ticket_id)
where value is distinct from previous_value
