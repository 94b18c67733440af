-- The Spark SQL of sql/checks/staging.case_owners/assert_every_case_is_held_from_intake_on.sql, written by `make docs`.
WITH owners AS (
  SELECT
    case_id,
    MIN(started_at) AS first_started_at,
    MAX(started_at) AS last_started_at,
    COUNT(*) FILTER(WHERE
      ended_at IS NULL) AS open_stretches,
    SUM(
      CASE
        WHEN ended_at IS NULL
        THEN 0
        ELSE UNIX_MICROS(CAST(ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ))
      END
    ) AS closed_us
  FROM staging.case_owners
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
)
SELECT
  cases.case_id,
  cases.intake_ts,
  owners.first_started_at,
  owners.open_stretches
FROM raw.cases AS cases
LEFT JOIN owners
  ON cases.case_id = owners.case_id
WHERE
  cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
  AND (
    owners.case_id IS NULL
    OR owners.first_started_at <> cases.intake_ts
    OR owners.open_stretches <> 1
    OR owners.closed_us <> UNIX_MICROS(CAST(owners.last_started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ))
  )
