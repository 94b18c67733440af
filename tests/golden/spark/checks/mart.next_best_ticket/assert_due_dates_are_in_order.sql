-- The Spark SQL of sql/checks/mart.next_best_ticket/assert_due_dates_are_in_order.sql, written by `make docs`.
WITH neighbours AS (
  SELECT
    case_id,
    queue,
    position_in_queue,
    due_in_business_minutes,
    LAG(COALESCE(due_in_business_minutes, 1e18)) OVER (PARTITION BY queue ORDER BY position_in_queue NULLS LAST) AS minutes_before
  FROM mart.next_best_ticket
  WHERE
    picking_policy = 'earliest due date'
)
SELECT
  case_id,
  queue,
  position_in_queue,
  due_in_business_minutes,
  minutes_before
FROM neighbours
WHERE
  minutes_before > COALESCE(due_in_business_minutes, 1e18)
