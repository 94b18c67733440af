-- The Spark SQL of sql/staging/events/case_lifecycle.sql, written by `make docs`.
WITH points AS (
  SELECT
    source,
    case_id,
    intake_date,
    canonical_ts AS happened_at,
    source_sequence,
    event_id AS point_id,
    status AS point,
    is_reopen
  FROM staging.events_clean
  UNION ALL
  SELECT
    source,
    case_id,
    intake_date,
    sent_ts AS happened_at,
    source_sequence,
    message_id AS point_id,
    signal AS point,
    FALSE AS is_reopen
  FROM staging.messages_deduped
  UNION ALL
  SELECT
    source,
    case_id,
    intake_date,
    changed_ts AS happened_at,
    source_sequence,
    change_id AS point_id,
    attribute AS point,
    FALSE AS is_reopen
  FROM raw.attribute_changes
  WHERE
    attribute IN ('team', 'agent')
), ordered_points AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY intake_date, case_id
      ORDER BY happened_at NULLS LAST, source_sequence NULLS LAST, point_id NULLS LAST
    ) AS point_number,
    SUM(CASE WHEN point = 'PUBLIC_REPLY' THEN 1 ELSE 0 END) OVER (
      PARTITION BY intake_date, case_id
      ORDER BY happened_at NULLS LAST, source_sequence NULLS LAST, point_id NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS replies_so_far,
    SUM(CASE WHEN point = 'RESOLVED' THEN 1 ELSE 0 END) OVER (
      PARTITION BY intake_date, case_id
      ORDER BY happened_at NULLS LAST, source_sequence NULLS LAST, point_id NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS resolutions_so_far
  FROM points
)
SELECT
  ordered_points.source,
  ordered_points.case_id,
  ordered_points.intake_date,
  CAST(ordered_points.point_number AS BIGINT) AS point_number,
  ordered_points.happened_at,
  ordered_points.point_id,
  ordered_points.point,
  ordered_points.is_reopen,
  ordered_points.point = 'PUBLIC_REPLY' AND ordered_points.replies_so_far = 1 AS is_first_response,
  ordered_points.point = 'RESOLVED' AND ordered_points.resolutions_so_far = 1 AS is_first_resolution,
  NULLIF(owners.team, 'UNASSIGNED') AS team,
  owners.agent
FROM ordered_points
LEFT JOIN staging.ownership_spans AS owners
  ON ordered_points.intake_date = owners.intake_date
  AND ordered_points.case_id = owners.case_id
  AND owners.is_holding_start
  AND ordered_points.happened_at >= owners.held_from_at
  AND (
    owners.held_to_at IS NULL OR ordered_points.happened_at < owners.held_to_at
  )
