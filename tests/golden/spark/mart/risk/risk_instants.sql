-- The Spark SQL of sql/mart/risk/risk_instants.sql, written by `make docs`.
SELECT
  clocks.case_id,
  clocks.intake_date,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  CAST(CASE
    WHEN now_instant.now_reason = 'the log ended'
    THEN clocks.snapshot_at + INTERVAL '1' SECOND
    ELSE clocks.snapshot_at
  END AS TIMESTAMP_NTZ) AS predicted_at
FROM mart.clock_now AS clocks
CROSS JOIN mart.desk_now AS now_instant
