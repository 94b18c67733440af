-- The Spark SQL of sql/checks/mart.staffing_outcomes/assert_a_plan_keeps_its_objective.sql, written by `make docs`.
SELECT
  metric,
  roster,
  objective_pct,
  weeks_kept_pct
FROM mart.staffing_outcomes
WHERE
  roster IN ('plan', 'flat') AND NOT COALESCE(is_kept, TRUE)
