-- The Spark SQL of sql/mart/drivers/driver_congestion_buckets.sql, written by `make docs`.
WITH exposures AS (
  SELECT
    calendar_date,
    congestion_index_10bd_mean AS congestion_exposure
  FROM staging.day_load
  WHERE
    NOT congestion_index_10bd_mean IS NULL
), dates AS (
  SELECT
    metrics.intake_date,
    exposures.congestion_exposure,
    COUNT(*) AS cases
  FROM staging.case_sla_metrics AS metrics
  INNER JOIN exposures
    ON metrics.intake_date = exposures.calendar_date
  GROUP BY
    metrics.intake_date,
    exposures.congestion_exposure
), ordered_dates AS (
  SELECT
    intake_date,
    congestion_exposure,
    SUM(cases) OVER (
      ORDER BY congestion_exposure NULLS LAST, intake_date NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) - cases AS cases_before,
    cases,
    SUM(cases) OVER () AS all_cases
  FROM dates
), date_deciles AS (
  SELECT
    intake_date,
    congestion_exposure,
    cases_before,
    all_cases,
    CAST(10 * cases_before AS BIGINT) DIV CAST(NULLIF(all_cases, 0) AS BIGINT) + 1 AS first_decile,
    CAST(10 * (
      cases_before + cases - 1
    ) AS BIGINT) DIV CAST(NULLIF(all_cases, 0) AS BIGINT) + 1 AS last_decile
  FROM ordered_dates
), split_date_cases AS (
  SELECT
    metrics.case_id,
    CAST(10 * (
      date_deciles.cases_before + ROW_NUMBER() OVER (PARTITION BY metrics.intake_date ORDER BY metrics.case_id NULLS LAST) - 1
    ) AS BIGINT) DIV CAST(NULLIF(date_deciles.all_cases, 0) AS BIGINT) + 1 AS exposure_decile
  FROM date_deciles
  INNER JOIN staging.case_sla_metrics AS metrics
    ON date_deciles.intake_date = metrics.intake_date
  WHERE
    date_deciles.first_decile < date_deciles.last_decile
), cases AS (
  SELECT
    COALESCE(split_date_cases.exposure_decile, date_deciles.first_decile) AS exposure_decile,
    date_deciles.congestion_exposure,
    metrics.is_sla_b_breached,
    metrics.is_sla_a_incl_wait_breached,
    metrics.is_sla_a_paused_breached
  FROM staging.case_sla_metrics AS metrics
  INNER JOIN date_deciles
    ON metrics.intake_date = date_deciles.intake_date
  LEFT JOIN split_date_cases
    ON metrics.case_id = split_date_cases.case_id
    AND date_deciles.first_decile < date_deciles.last_decile
)
SELECT
  CAST(exposure_decile AS BIGINT) AS exposure_decile,
  CAST(COUNT(*) AS BIGINT) AS cases,
  CAST(MIN(congestion_exposure) AS DOUBLE) AS exposure_min,
  CAST(MAX(congestion_exposure) AS DOUBLE) AS exposure_max,
  CAST(CAST(100.0 * COUNT(*) FILTER(WHERE
    is_sla_b_breached) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS DOUBLE) AS sla_b_breach_pct,
  CAST(CAST(100.0 * COUNT(*) FILTER(WHERE
    is_sla_a_incl_wait_breached) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS DOUBLE) AS sla_a_incl_wait_breach_pct,
  CAST(CAST(100.0 * COUNT(*) FILTER(WHERE
    is_sla_a_paused_breached) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS DOUBLE) AS sla_a_paused_breach_pct
FROM cases
GROUP BY
  exposure_decile
