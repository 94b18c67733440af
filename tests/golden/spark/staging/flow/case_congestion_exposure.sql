-- The Spark SQL of sql/staging/flow/case_congestion_exposure.sql, written by `make docs`.
SELECT
  cases.case_id,
  cases.intake_date,
  cases.tier,
  cases.case_type,
  day_load.congestion_index_10bd_mean AS congestion_exposure
FROM staging.case_milestones AS cases
LEFT JOIN staging.day_load
  ON cases.intake_date = day_load.calendar_date
