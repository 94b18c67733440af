-- The Spark SQL of sql/checks/staging.ownership_contradictions/warn_old_values_contradict_the_chain.sql, written by `make docs`.
SELECT
  case_id,
  changed_ts,
  attribute,
  known_previous_value,
  told_previous_value,
  value
FROM staging.ownership_contradictions
WHERE
  intake_date >= :start_date AND intake_date < :end_date
