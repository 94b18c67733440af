-- The Spark SQL of sql/checks/mart.risk_model_card/assert_nothing_trains_after_the_cut.sql, written by `make docs`.
SELECT
  metric,
  cut_at,
  training_to_at,
  calibration_from_at,
  calibration_to_at,
  test_from_at,
  test_to_at
FROM mart.risk_model_card
WHERE
  training_to_at >= cut_at
  OR calibration_to_at >= cut_at
  OR test_to_at >= cut_at
  OR training_to_at >= calibration_from_at
  OR calibration_to_at >= test_from_at
