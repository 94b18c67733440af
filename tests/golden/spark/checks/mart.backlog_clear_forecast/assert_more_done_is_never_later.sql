-- The Spark SQL of sql/checks/mart.backlog_clear_forecast/assert_more_done_is_never_later.sql, written by `make docs`.
SELECT
  changed.dimension,
  changed.dimension_value,
  changed.what_if,
  changed.goal,
  present.reached_pct,
  changed.reached_pct AS reached_pct_changed,
  present.reached_p50_date,
  changed.reached_p50_date AS reached_p50_date_changed
FROM mart.backlog_clear_forecast AS changed
INNER JOIN mart.backlog_clear_forecast AS present
  ON changed.dimension = present.dimension
  AND changed.dimension_value = present.dimension_value
  AND changed.goal = present.goal
  AND present.what_if = 'as now'
WHERE
  changed.heads_change_share >= 0
  AND changed.arrivals_change_share <= 0
  AND changed.handling_time_change_share <= 0
  AND (
    changed.reached_pct < present.reached_pct
    OR changed.reached_p50_date > present.reached_p50_date
    OR (
      changed.reached_p50_date IS NULL AND NOT present.reached_p50_date IS NULL
    )
  )
