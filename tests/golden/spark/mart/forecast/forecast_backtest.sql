-- The Spark SQL of sql/mart/forecast/forecast_backtest.sql, written by `make docs`.
WITH horizons AS (
  SELECT
    dimension,
    dimension_value,
    model,
    origin_date,
    1 AS horizon_from_days,
    14 AS horizon_to_days,
    is_business_day,
    expected_cases,
    low_cases,
    high_cases,
    arrived_cases,
    scale_cases,
    forecast_reason
  FROM mart.arrival_forecasts
  UNION ALL
  SELECT
    dimension,
    dimension_value,
    model,
    origin_date,
    horizon_days AS horizon_from_days,
    horizon_days AS horizon_to_days,
    is_business_day,
    expected_cases,
    low_cases,
    high_cases,
    arrived_cases,
    scale_cases,
    forecast_reason
  FROM mart.arrival_forecasts
  WHERE
    NOT arrived_cases IS NULL
), scored_days AS (
  SELECT
    dimension,
    dimension_value,
    model,
    origin_date,
    horizon_from_days,
    horizon_to_days,
    is_business_day,
    arrived_cases,
    forecast_reason,
    NOT arrived_cases IS NULL AND NOT expected_cases IS NULL AS is_scored,
    NOT arrived_cases IS NULL AND NOT low_cases IS NULL AS is_loss_scored,
    NOT arrived_cases IS NULL
    AND NOT low_cases IS NULL
    AND (
      expected_cases >= 0.1 OR high_cases >= 1
    ) AS is_interval_scored,
    low_cases <= arrived_cases AND arrived_cases <= high_cases AS is_covered,
    high_cases - low_cases AS width_cases,
    CAST(expected_cases - arrived_cases AS DECIMAL(28, 9)) AS error_cases,
    CAST(ABS(expected_cases - arrived_cases) AS DECIMAL(28, 9)) AS absolute_error_cases,
    CAST(CAST(ABS(expected_cases - arrived_cases) AS DOUBLE) / CAST(NULLIF(scale_cases, 0) AS DOUBLE) AS DECIMAL(28, 9)) AS scaled_error,
    CAST(CAST(CASE
      WHEN arrived_cases >= low_cases
      THEN 0.1 * (
        arrived_cases - low_cases
      )
      ELSE 0.9 * (
        low_cases - arrived_cases
      )
    END + 0.5 * ABS(arrived_cases - expected_cases) + CASE
      WHEN arrived_cases >= high_cases
      THEN 0.9 * (
        arrived_cases - high_cases
      )
      ELSE 0.1 * (
        high_cases - arrived_cases
      )
    END AS DOUBLE) / CAST(3 AS DOUBLE) AS DECIMAL(28, 9)) AS pinball_loss_cases
  FROM horizons
), models AS (
  SELECT
    dimension,
    dimension_value,
    model,
    horizon_from_days,
    horizon_to_days,
    COUNT(DISTINCT CASE WHEN is_scored THEN origin_date END) AS origins,
    COUNT(*) FILTER(WHERE
      is_scored) AS scored_days,
    COUNT(*) FILTER(WHERE
      is_loss_scored) AS loss_days,
    COUNT(*) FILTER(WHERE
      is_interval_scored) AS interval_days,
    COUNT(*) FILTER(WHERE
      is_interval_scored AND is_business_day) AS interval_business_days,
    COUNT(*) FILTER(WHERE
      is_interval_scored AND is_covered) AS covered_days,
    COUNT(*) FILTER(WHERE
      is_interval_scored AND is_covered AND is_business_day) AS covered_business_days,
    SUM(CASE WHEN is_scored THEN arrived_cases END) AS arrived_cases,
    SUM(CASE WHEN is_scored THEN error_cases END) AS error_cases,
    SUM(CASE WHEN is_scored THEN absolute_error_cases END) AS absolute_error_cases,
    SUM(CASE WHEN is_scored THEN scaled_error END) AS scaled_error,
    COUNT(*) FILTER(WHERE
      is_scored AND NOT scaled_error IS NULL) AS scaled_days,
    SUM(CASE WHEN is_loss_scored THEN pinball_loss_cases END) AS pinball_loss_cases,
    SUM(CASE WHEN is_interval_scored THEN width_cases END) AS width_cases,
    MAX(forecast_reason) AS forecast_reason
  FROM scored_days
  GROUP BY
    dimension,
    dimension_value,
    model,
    horizon_from_days,
    horizon_to_days
), served_models AS (
  SELECT
    dimension,
    dimension_value,
    served_model
  FROM mart.arrival_forecasts
  WHERE
    model = 'as served' AND horizon_days = 1 AND NOT served_model IS NULL
)
SELECT
  CAST(desk_now.now_at AS TIMESTAMP_NTZ) AS now_at,
  models.dimension,
  models.dimension_value,
  models.model,
  CAST(models.horizon_from_days AS BIGINT) AS horizon_from_days,
  CAST(models.horizon_to_days AS BIGINT) AS horizon_to_days,
  COALESCE(served_models.served_model = models.model, FALSE) AS is_served,
  CAST(models.origins AS BIGINT) AS origins,
  CAST(models.scored_days AS BIGINT) AS scored_days,
  CAST(CAST(models.arrived_cases AS DOUBLE) / CAST(NULLIF(models.scored_days, 0) AS DOUBLE) AS DOUBLE) AS mean_arrived_cases,
  CAST(CAST(models.absolute_error_cases AS DOUBLE) / CAST(NULLIF(models.scored_days, 0) AS DOUBLE) AS DOUBLE) AS mean_absolute_error_cases,
  CAST(CAST(models.scaled_error AS DOUBLE) / CAST(NULLIF(models.scaled_days, 0) AS DOUBLE) AS DOUBLE) AS mase,
  CAST(CAST(models.error_cases AS DOUBLE) / CAST(NULLIF(models.scored_days, 0) AS DOUBLE) AS DOUBLE) AS bias_cases,
  CAST(CAST(models.pinball_loss_cases AS DOUBLE) / CAST(NULLIF(models.loss_days, 0) AS DOUBLE) AS DOUBLE) AS pinball_loss_cases,
  CAST(models.interval_days AS BIGINT) AS interval_days,
  CAST(CAST(100.0 * models.covered_days AS DOUBLE) / CAST(NULLIF(models.interval_days, 0) AS DOUBLE) AS DOUBLE) AS covered_pct,
  CAST(CAST(100.0 * models.covered_business_days AS DOUBLE) / CAST(NULLIF(models.interval_business_days, 0) AS DOUBLE) AS DOUBLE) AS business_days_covered_pct,
  CAST(CAST(1.0 * models.width_cases AS DOUBLE) / CAST(NULLIF(models.interval_days, 0) AS DOUBLE) AS DOUBLE) AS mean_width_cases,
  models.forecast_reason
FROM models
CROSS JOIN mart.desk_now AS desk_now
LEFT JOIN served_models
  ON models.dimension = served_models.dimension
  AND models.dimension_value = served_models.dimension_value
