-- Tickets of a queue by earliest due date, where one that is due later stands before one that is due earlier, or one without a due time before one with.
-- A failure means that the list is not in the order that it names; look first at opsla_dagster/worklist/ranking.py.
with neighbours as (
    select
        case_id,
        queue,
        position_in_queue,
        due_in_business_minutes,
        lag(coalesce(due_in_business_minutes, 1e18)) over (partition by queue order by position_in_queue) as minutes_before
    from mart.next_best_ticket
    where picking_policy = 'earliest due date'
)

select
    case_id,
    queue,
    position_in_queue,
    due_in_business_minutes,
    minutes_before
from neighbours
where minutes_before > coalesce(due_in_business_minutes, 1e18)
