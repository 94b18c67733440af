-- The Spark SQL of sql/checks/mart.queue_health/assert_the_desk_is_not_green_before_its_queues.sql, written by `make docs`.
SELECT
  queues.dimension_value AS queue,
  queues.to_green_business_minutes AS queue_to_green_business_minutes,
  queues.to_green_reason AS queue_to_green_reason,
  desk.to_green_business_minutes AS desk_to_green_business_minutes
FROM mart.queue_health AS queues
INNER JOIN mart.queue_health AS desk
  ON desk.dimension = 'all'
WHERE
  queues.dimension = 'queue'
  AND NOT desk.to_green_business_minutes IS NULL
  AND (
    queues.to_green_business_minutes IS NULL
    OR queues.to_green_business_minutes > desk.to_green_business_minutes
  )
