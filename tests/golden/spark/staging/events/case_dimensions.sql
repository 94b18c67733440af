-- The Spark SQL of sql/staging/events/case_dimensions.sql, written by `make docs`.
SELECT
  source,
  case_id,
  intake_date,
  CAST(SUBSTRING(fact, 11) AS STRING) AS dimension_name,
  value_text AS dimension_value
FROM raw.source_facts
WHERE
  intake_date >= :start_date
  AND intake_date < :end_date
  AND STARTSWITH(fact, 'dimension.')
