-- The Spark SQL of sql/mart/ownership/team_workload.sql, written by `make docs`.
SELECT
  days.calendar_date,
  CASE
    WHEN days.dimension = 'all'
    THEN 'all teams'
    WHEN days.dimension_value = 'none'
    THEN 'UNASSIGNED'
    ELSE days.dimension_value
  END AS team,
  days.dimension = 'all' AS is_all_teams,
  days.open_cases AS held_cases,
  CAST(days.opened_cases + days.reopened_cases + days.moved_in_cases AS BIGINT) AS accepted_cases,
  days.moved_out_cases AS handed_on_cases,
  CAST(days.left_cases + days.cancelled_cases AS BIGINT) AS completed_cases,
  CASE WHEN days.dimension = 'all' THEN staffing.effective_heads END AS effective_heads,
  CAST(CASE
    WHEN days.dimension = 'all'
    THEN CAST(days.open_cases AS DOUBLE) / CAST(NULLIF(staffing.effective_heads, 0) AS DOUBLE)
  END AS DOUBLE) AS held_cases_per_head,
  CAST(CASE
    WHEN days.dimension = 'all'
    THEN CAST(days.opened_cases + days.reopened_cases AS DOUBLE) / CAST(NULLIF(staffing.effective_heads, 0) AS DOUBLE)
  END AS DOUBLE) AS accepted_cases_per_head
FROM mart.backlog_daily AS days
LEFT JOIN mart.staffing_daily AS staffing
  ON days.calendar_date = staffing.calendar_date
WHERE
  days.dimension IN ('all', 'queue')
