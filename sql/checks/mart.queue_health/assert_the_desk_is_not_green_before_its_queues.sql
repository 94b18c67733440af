-- Queues that take longer until nothing is past due than the desk as a whole, or never get there where the desk does.
-- A failure means that the desk's time to green is told too short; look first at slowest_queues of sql/mart/backlog/queue_health.sql.
select
    queues.dimension_value as queue,
    queues.to_green_business_minutes as queue_to_green_business_minutes,
    queues.to_green_reason as queue_to_green_reason,
    desk.to_green_business_minutes as desk_to_green_business_minutes
from mart.queue_health as queues
inner join mart.queue_health as desk on desk.dimension = 'all'
where
    queues.dimension = 'queue'
    and desk.to_green_business_minutes is not null
    and (
        queues.to_green_business_minutes is null
        or queues.to_green_business_minutes > desk.to_green_business_minutes
    )
