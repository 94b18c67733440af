-- One row is a conversation that is used: nothing is wrong with it, somebody has asked for something in it, and it began since the first
-- day whose conversations are known as a whole.
select
    tickets.*,
    cast(null as varchar) as merged_into,
    cast(null as timestamp) as merged_ts
from tickets
anti join faults using (ticket_id)
where tickets.intake_date >= getvariable('first_day')
