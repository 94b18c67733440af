-- One row is a conversation that cannot be used, with the reason and how many conversations there are.
select
    'conversations' as resource,
    tickets.case_id,
    faults.field,
    faults.reason,
    tickets.payload,
    (select count(*) from tickets) as kind_records
from tickets
inner join faults using (ticket_id)
