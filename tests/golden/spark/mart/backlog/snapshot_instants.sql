-- The Spark SQL of sql/mart/backlog/snapshot_instants.sql, written by `make docs`.
WITH day_ends AS (
  SELECT
    desk_time.local_date,
    MIN(desk_time.segment_start_at) AS day_start_at,
    MAX(desk_time.segment_end_at) AS day_end_at
  FROM staging.business_time AS desk_time
  INNER JOIN mart.desk_now AS desk_now
    ON desk_time.local_date >= desk_now.first_intake_date
    AND desk_time.local_date <= desk_now.last_intake_date
  WHERE
    desk_time.calendar = 'desk'
  GROUP BY
    desk_time.local_date
)
SELECT
  day_ends.local_date AS snapshot_date,
  day_ends.day_start_at AS snapshot_from_at,
  day_ends.day_end_at AS snapshot_at,
  day_ends.day_end_at AS seen_before_at
FROM day_ends
INNER JOIN mart.desk_now AS desk_now
  ON day_ends.day_end_at <= desk_now.now_at
