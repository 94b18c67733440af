-- The Spark SQL of sql/staging/flow/daily_flow.sql, written by `make docs`.
WITH cases AS (
  SELECT
    case_id,
    intake_date,
    ended_at
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), desk_time AS (
  SELECT
    *
  FROM staging.business_time
  WHERE
    calendar = 'desk'
)
SELECT
  cases.intake_date,
  COALESCE(desk_time.local_date, CAST(cases.ended_at AS DATE)) AS ended_date,
  CAST(COUNT(*) AS BIGINT) AS cases
FROM cases
LEFT JOIN desk_time
  ON CAST(cases.ended_at AS DATE) = desk_time.utc_date
  AND cases.ended_at >= desk_time.segment_start_at
  AND cases.ended_at < desk_time.segment_end_at
GROUP BY
  cases.intake_date,
  COALESCE(desk_time.local_date, CAST(cases.ended_at AS DATE))
