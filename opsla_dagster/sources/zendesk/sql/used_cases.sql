-- One row is a ticket that is used: nothing is wrong with it, and it came in since the first day whose tickets are known as a whole.
select
    tickets.*,
    cast(null as varchar) as initiated_by
from tickets
anti join faults using (ticket_id)
where tickets.intake_date >= getvariable('first_day')
