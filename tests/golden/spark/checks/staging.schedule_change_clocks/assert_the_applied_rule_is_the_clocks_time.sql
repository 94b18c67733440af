-- The Spark SQL of sql/checks/staging.schedule_change_clocks/assert_the_applied_rule_is_the_clocks_time.sql, written by `make docs`.
SELECT
  clocks.case_id,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  clocks.elapsed_seconds,
  changed.schedule_change,
  changed.in_force_elapsed_seconds,
  changed.last_elapsed_seconds
FROM staging.schedule_change_clocks AS changed
INNER JOIN staging.sla_clocks AS clocks
  ON changed.case_id = clocks.case_id
  AND changed.intake_date = clocks.intake_date
  AND changed.policy = clocks.policy
  AND changed.metric = clocks.metric
  AND changed.cycle = clocks.cycle
WHERE
  changed.intake_date >= :start_date
  AND changed.intake_date < :end_date
  AND clocks.intake_date >= :start_date
  AND clocks.intake_date < :end_date
  AND clocks.outcome IN ('met', 'breached')
  AND clocks.elapsed_seconds IS DISTINCT FROM CASE
    WHEN changed.schedule_change = 'in_force'
    THEN changed.in_force_elapsed_seconds
    ELSE changed.last_elapsed_seconds
  END
