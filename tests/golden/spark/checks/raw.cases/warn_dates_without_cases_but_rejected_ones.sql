-- The Spark SQL of sql/checks/raw.cases/warn_dates_without_cases_but_rejected_ones.sql, written by `make docs`.
WITH source_totals AS (
  SELECT
    source,
    SUM(cases) AS cases,
    COUNT(*) OVER () AS sources
  FROM raw.source_partitions
  GROUP BY
    source
), empty_dates AS (
  SELECT
    partitions.source,
    partitions.intake_date
  FROM raw.source_partitions AS partitions
  INNER JOIN source_totals
    ON partitions.source = source_totals.source
    AND (
      source_totals.cases > 0 OR source_totals.sources = 1
    )
  WHERE
    partitions.intake_date >= :start_date
    AND partitions.intake_date < :end_date
    AND partitions.intake_date < CAST(:as_of_at AS DATE)
    AND partitions.cases = 0
), rejected_cases AS (
  SELECT
    rejected_rows.source,
    COALESCE(
      rejected_rows.case_id,
      rejected_rows.file || ' ' || CAST(rejected_rows.row_number AS STRING)
    ) AS rejected_case,
    MIN(rejected_rows.record_date) AS record_date
  FROM raw.rejected_rows AS rejected_rows
  LEFT JOIN raw.cases AS cases
    ON rejected_rows.source = cases.source AND rejected_rows.case_id = cases.case_id
  WHERE
    cases.case_id IS NULL
    AND LOCATE('lies before desk.start_date', rejected_rows.reason) = 0
  GROUP BY
    rejected_rows.source,
    COALESCE(
      rejected_rows.case_id,
      rejected_rows.file || ' ' || CAST(rejected_rows.row_number AS STRING)
    )
), dated_cases AS (
  SELECT
    source,
    record_date,
    COUNT(*) AS cases
  FROM rejected_cases
  WHERE
    NOT record_date IS NULL
  GROUP BY
    source,
    record_date
), undated_cases AS (
  SELECT
    source,
    COUNT(*) AS cases
  FROM rejected_cases
  WHERE
    record_date IS NULL
  GROUP BY
    source
), same_weekdays AS (
  SELECT
    empty_dates.source,
    empty_dates.intake_date,
    AVG(earlier.cases) AS mean_cases
  FROM empty_dates
  INNER JOIN raw.source_partitions AS earlier
    ON empty_dates.source = earlier.source
    AND (
      earlier.intake_date = empty_dates.intake_date - INTERVAL '7' DAY
      OR earlier.intake_date = empty_dates.intake_date - INTERVAL '14' DAY
      OR earlier.intake_date = empty_dates.intake_date - INTERVAL '21' DAY
      OR earlier.intake_date = empty_dates.intake_date - INTERVAL '28' DAY
    )
  GROUP BY
    empty_dates.source,
    empty_dates.intake_date
), all_dates AS (
  SELECT
    source,
    AVG(cases) AS mean_cases
  FROM raw.source_partitions
  WHERE
    cases > 0
  GROUP BY
    source
)
SELECT
  empty_dates.source,
  empty_dates.intake_date,
  COALESCE(dated_cases.cases, 0) AS rejected_cases,
  COALESCE(undated_cases.cases, 0) AS rejected_cases_of_unknown_date
FROM empty_dates
LEFT JOIN dated_cases
  ON empty_dates.source = dated_cases.source
  AND empty_dates.intake_date = dated_cases.record_date
LEFT JOIN undated_cases
  ON empty_dates.source = undated_cases.source
LEFT JOIN same_weekdays
  ON empty_dates.source = same_weekdays.source
  AND empty_dates.intake_date = same_weekdays.intake_date
LEFT JOIN all_dates
  ON empty_dates.source = all_dates.source
WHERE
  COALESCE(dated_cases.cases, 0) > 0
  OR (
    COALESCE(undated_cases.cases, 0) > 0
    AND COALESCE(same_weekdays.mean_cases, all_dates.mean_cases, 1.0) > 0
    AND undated_cases.cases >= 0.5 * COALESCE(same_weekdays.mean_cases, all_dates.mean_cases, 1.0)
  )
