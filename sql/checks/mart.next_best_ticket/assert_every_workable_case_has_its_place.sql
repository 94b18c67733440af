-- Cases that can be worked on and have no place, or have one and are none; and queues whose places are not 1, 2, 3 ...
-- A failure means that a ticket is lost from its list; look first at opsla_dagster/worklist/ranking.py.
select
    coalesce(cases.case_id, tickets.case_id) as case_id,
    tickets.queue,
    tickets.position_in_queue
from mart.workable_cases as cases
full join mart.next_best_ticket as tickets on cases.case_id = tickets.case_id
where
    cases.case_id is null
    or tickets.case_id is null

union all

select
    max(case_id) as case_id,
    queue,
    max(position_in_queue) as position_in_queue
from mart.next_best_ticket
group by queue
having count(*) <> max(position_in_queue) or count(distinct position_in_queue) <> count(*)
