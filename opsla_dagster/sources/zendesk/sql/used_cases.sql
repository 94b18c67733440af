-- One row is a ticket that is used: nothing is wrong with it, and it came in since the first day whose tickets are known as a whole.
select
    tickets.*,
    openings.initiated_by,
    merges.merged_into,
    merges.merged_ts
from tickets
anti join faults using (ticket_id)
left join openings using (ticket_id)
left join merges using (ticket_id)
where tickets.intake_date >= getvariable('first_day')
