-- One row is a conversation that cannot be used, with the reason.
select
    'conversations' as resource,
    tickets.case_id,
    faults.field,
    faults.reason,
    tickets.payload
from tickets
inner join faults using (ticket_id)
