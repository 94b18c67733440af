-- The Spark SQL of sql/mart/attainment/sla_attainment.sql, written by `make docs`.
SELECT
  clocks.source,
  clocks.case_id,
  clocks.intake_date,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  cases.priority,
  cases.tier,
  cases.case_type,
  cases.team,
  cases.brand,
  cases.region,
  cases.channel,
  cases.customer,
  clocks.started_at,
  clocks.stopped_at,
  clocks.due_at,
  clocks.target_seconds,
  COALESCE(open_clocks.elapsed_seconds, clocks.elapsed_seconds) AS elapsed_seconds,
  CAST(CAST(COALESCE(open_clocks.remaining_seconds, clocks.early_seconds) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS early_business_minutes,
  COALESCE(open_clocks.outcome, clocks.outcome) AS outcome,
  clocks.reason,
  clocks.is_open,
  clocks.is_superseded,
  clocks.is_source_promise,
  root_causes.root_cause_stage,
  root_causes.root_cause_owner,
  root_causes.beyond_peers_business_minutes,
  NOT incomplete_cases.case_id IS NULL AS is_incomplete
FROM staging.sla_clocks AS clocks
INNER JOIN staging.case_milestones AS cases
  ON clocks.case_id = cases.case_id AND clocks.intake_date = cases.intake_date
LEFT JOIN mart.open_clocks AS open_clocks
  ON clocks.outcome = 'running'
  AND clocks.case_id = open_clocks.case_id
  AND clocks.policy = open_clocks.policy
  AND clocks.metric = open_clocks.metric
  AND clocks.cycle = open_clocks.cycle
LEFT JOIN mart.incomplete_cases AS incomplete_cases
  ON clocks.case_id = incomplete_cases.case_id
LEFT JOIN staging.sla_root_causes AS root_causes
  ON clocks.outcome = 'breached'
  AND clocks.case_id = root_causes.case_id
  AND clocks.intake_date = root_causes.intake_date
  AND clocks.policy = root_causes.policy
  AND clocks.metric = root_causes.metric
  AND clocks.cycle = root_causes.cycle
