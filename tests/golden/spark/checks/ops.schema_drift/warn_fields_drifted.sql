-- The Spark SQL of sql/checks/ops.schema_drift/warn_fields_drifted.sql, written by `make docs`.
SELECT
  source,
  resource,
  field,
  drift,
  expected_type,
  found_type,
  first_seen_at
FROM ops.schema_drift
