-- The Spark SQL of sql/checks/staging.sla_root_causes/assert_every_breach_has_a_root_cause.sql, written by `make docs`.
SELECT
  clocks.case_id,
  clocks.policy,
  clocks.metric,
  clocks.cycle
FROM staging.sla_clocks AS clocks
INNER JOIN staging.case_milestones AS cases
  ON clocks.case_id = cases.case_id AND clocks.intake_date = cases.intake_date
LEFT JOIN staging.sla_root_causes AS causes
  ON clocks.case_id = causes.case_id
  AND clocks.intake_date = causes.intake_date
  AND clocks.policy = causes.policy
  AND clocks.metric = causes.metric
  AND clocks.cycle = causes.cycle
  AND causes.intake_date >= :start_date
  AND causes.intake_date < :end_date
WHERE
  clocks.intake_date >= :start_date
  AND clocks.intake_date < :end_date
  AND cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
  AND clocks.outcome = 'breached'
  AND (
    cases.last_terminal_at IS NULL OR cases.last_terminal_at >= clocks.stopped_at
  )
  AND causes.case_id IS NULL
