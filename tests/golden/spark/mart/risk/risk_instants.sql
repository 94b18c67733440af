-- The Spark SQL of sql/mart/risk/risk_instants.sql, written by `make docs`.
SELECT
  case_id,
  intake_date,
  policy,
  metric,
  cycle,
  snapshot_at AS predicted_at
FROM mart.clock_now
