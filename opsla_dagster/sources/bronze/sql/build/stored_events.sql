-- One row is a status that a case entered, with who held it then.
with placed as (
    select
        entered.case_id,
        entered.event_id,
        entered.event_ts,
        entered.source_status,
        entered.status,
        signals.source_sequence,
        lag(entered.status) over (partition by entered.case_id order by signals.source_sequence) as status_before
    from status_changes as entered
    inner join signals on entered.case_id = signals.case_id and entered.event_id = signals.signal_id and signals.kind = 'status'
),

teams as (
    select case_id, source_sequence, value from stored_changes where attribute = 'team'
),

agents_then as (
    select case_id, source_sequence, value from stored_changes where attribute = 'agent'
)

select
    placed.case_id,
    stored_cases.intake_date,
    placed.event_id,
    placed.status,
    placed.source_status,
    placed.event_ts,
    placed.source_sequence,
    not is_terminal(placed.status) and coalesce(is_terminal(placed.status_before), false) as is_reopen,
    case when teams.case_id is null then stored_cases.team else teams.value end as team,
    case when agents_then.case_id is null then stored_cases.agent else agents_then.value end as agent
from placed
inner join stored_cases using (case_id)
asof left join teams on placed.case_id = teams.case_id and placed.source_sequence >= teams.source_sequence
asof left join agents_then on placed.case_id = agents_then.case_id and placed.source_sequence >= agents_then.source_sequence
order by stored_cases.intake_date, placed.case_id, placed.source_sequence
