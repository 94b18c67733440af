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
    COUNT(*) AS cases,
    COUNT(*) FILTER(WHERE
      metrics.is_sla_b_breached) AS sla_b_breached_cases,
    COUNT(*) FILTER(WHERE
      metrics.is_sla_a_incl_wait_breached) AS sla_a_incl_wait_breached_cases,
    COUNT(*) FILTER(WHERE
      metrics.is_sla_a_paused_breached) AS sla_a_paused_breached_cases
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
    SUM(cases) OVER () AS all_cases,
    sla_b_breached_cases,
    sla_a_incl_wait_breached_cases,
    sla_a_paused_breached_cases
  FROM dates
), date_deciles AS (
  SELECT
    intake_date,
    congestion_exposure,
    cases_before,
    cases,
    all_cases,
    sla_b_breached_cases,
    sla_a_incl_wait_breached_cases,
    sla_a_paused_breached_cases,
    CAST(10 * cases_before AS BIGINT) DIV CAST(NULLIF(all_cases, 0) AS BIGINT) + 1 AS first_decile,
    CAST(10 * (
      cases_before + cases - 1
    ) AS BIGINT) DIV CAST(NULLIF(all_cases, 0) AS BIGINT) + 1 AS last_decile
  FROM ordered_dates
), split_date_cases AS (
  SELECT
    date_deciles.congestion_exposure,
    CAST(10 * (
      date_deciles.cases_before + ROW_NUMBER() OVER (PARTITION BY metrics.intake_date ORDER BY metrics.case_id NULLS LAST) - 1
    ) AS BIGINT) DIV CAST(NULLIF(date_deciles.all_cases, 0) AS BIGINT) + 1 AS exposure_decile,
    metrics.is_sla_b_breached,
    metrics.is_sla_a_incl_wait_breached,
    metrics.is_sla_a_paused_breached
  FROM date_deciles
  INNER JOIN staging.case_sla_metrics AS metrics
    ON date_deciles.intake_date = metrics.intake_date
  WHERE
    date_deciles.first_decile < date_deciles.last_decile
), date_parts AS (
  SELECT
    first_decile AS exposure_decile,
    congestion_exposure,
    cases,
    sla_b_breached_cases,
    sla_a_incl_wait_breached_cases,
    sla_a_paused_breached_cases
  FROM date_deciles
  WHERE
    first_decile = last_decile
  UNION ALL
  SELECT
    exposure_decile,
    congestion_exposure,
    COUNT(*) AS cases,
    COUNT(*) FILTER(WHERE
      is_sla_b_breached) AS sla_b_breached_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_incl_wait_breached) AS sla_a_incl_wait_breached_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_paused_breached) AS sla_a_paused_breached_cases
  FROM split_date_cases
  GROUP BY
    exposure_decile,
    congestion_exposure
)
SELECT
  CAST(exposure_decile AS BIGINT) AS exposure_decile,
  CAST(SUM(cases) AS BIGINT) AS cases,
  CAST(MIN(congestion_exposure) AS DOUBLE) AS exposure_min,
  CAST(MAX(congestion_exposure) AS DOUBLE) AS exposure_max,
  CAST(CAST(100.0 * SUM(sla_b_breached_cases) AS DOUBLE) / CAST(NULLIF(SUM(cases), 0) AS DOUBLE) AS DOUBLE) AS sla_b_breach_pct,
  CAST(CAST(100.0 * SUM(sla_a_incl_wait_breached_cases) AS DOUBLE) / CAST(NULLIF(SUM(cases), 0) AS DOUBLE) AS DOUBLE) AS sla_a_incl_wait_breach_pct,
  CAST(CAST(100.0 * SUM(sla_a_paused_breached_cases) AS DOUBLE) / CAST(NULLIF(SUM(cases), 0) AS DOUBLE) AS DOUBLE) AS sla_a_paused_breach_pct
FROM date_parts
GROUP BY
  exposure_decile
