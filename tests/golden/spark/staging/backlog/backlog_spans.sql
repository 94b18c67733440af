-- The Spark SQL of sql/staging/backlog/backlog_spans.sql, written by `make docs`.
WITH ends AS (
  SELECT
    case_id,
    ended_at
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), reopened_cases AS (
  SELECT DISTINCT
    spans.case_id
  FROM staging.status_spans AS spans
  INNER JOIN ends
    ON spans.case_id = ends.case_id
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND spans.status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
    AND NOT spans.is_open
    AND (
      ends.ended_at IS NULL OR spans.started_at < ends.ended_at
    )
), cases AS (
  SELECT
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    cases.ended_at,
    cases.is_cancelled,
    cases.priority,
    cases.tier,
    NOT reopened_cases.case_id IS NULL AS is_reopened
  FROM staging.case_milestones AS cases
  LEFT JOIN reopened_cases
    ON cases.case_id = reopened_cases.case_id
  WHERE
    cases.intake_date >= :start_date AND cases.intake_date < :end_date
), status_spans AS (
  SELECT
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    cases.ended_at AS case_ended_at,
    cases.is_cancelled,
    cases.priority,
    cases.tier,
    cases.is_reopened,
    spans.status,
    NOT spans.status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
    OR spans.is_open AS is_open,
    spans.started_at,
    CASE
      WHEN spans.ended_at <= cases.ended_at
      THEN spans.ended_at
      ELSE COALESCE(cases.ended_at, spans.ended_at)
    END AS ended_at
  FROM staging.status_spans AS spans
  INNER JOIN cases
    ON spans.case_id = cases.case_id
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND (
      cases.ended_at IS NULL OR spans.started_at < cases.ended_at
    )
  UNION ALL
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts,
    ended_at AS case_ended_at,
    is_cancelled,
    priority,
    tier,
    is_reopened,
    'INTAKE' AS status,
    TRUE AS is_open,
    intake_ts AS started_at,
    ended_at
  FROM cases
  WHERE
    ended_at <= intake_ts
), neighbouring_spans AS (
  SELECT
    *,
    LAG(is_open) OVER spans_in_order AS was_open,
    LEAD(is_open) OVER spans_in_order AS is_open_next,
    LEAD(status) OVER spans_in_order AS next_status
  FROM status_spans
  WHERE
    is_reopened
  WINDOW spans_in_order AS (PARTITION BY case_id ORDER BY started_at NULLS LAST)
), open_runs AS (
  SELECT
    *,
    MAX(CASE WHEN was_open IS NULL OR NOT was_open THEN started_at END) OVER (
      PARTITION BY case_id
      ORDER BY started_at NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS run_started_at
  FROM neighbouring_spans
  UNION ALL
  SELECT
    *,
    CAST(NULL AS BOOLEAN) AS was_open,
    CAST(NULL AS BOOLEAN) AS is_open_next,
    CAST(NULL AS STRING) AS next_status,
    CAST(NULL AS TIMESTAMP_NTZ) AS run_started_at
  FROM status_spans
  WHERE
    NOT is_reopened
), owners AS (
  SELECT
    case_id,
    NULLIF(team, 'UNASSIGNED') AS team,
    agent,
    held_from_at AS started_at,
    held_to_at AS ended_at,
    is_team_new,
    is_team_left
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_holding_start
), held_spans AS (
  SELECT
    spans.case_id,
    spans.source,
    spans.intake_date,
    spans.intake_ts,
    spans.case_ended_at,
    spans.is_cancelled,
    spans.priority,
    spans.tier,
    spans.is_reopened,
    spans.was_open,
    spans.is_open_next,
    spans.next_status,
    spans.run_started_at,
    spans.status,
    spans.is_open,
    spans.started_at AS status_started_at,
    spans.ended_at AS status_ended_at,
    owners.team,
    owners.agent,
    owners.started_at AS held_from_at,
    owners.started_at >= spans.started_at AND owners.is_team_new AS is_queue_new,
    COALESCE(
      owners.ended_at <= spans.ended_at
      OR (
        spans.ended_at IS NULL AND NOT owners.ended_at IS NULL
      ),
      FALSE
    )
    AND owners.is_team_left AS is_queue_left,
    CASE
      WHEN owners.started_at > spans.started_at
      THEN owners.started_at
      ELSE spans.started_at
    END AS started_at,
    CASE
      WHEN owners.ended_at < spans.ended_at OR spans.ended_at IS NULL
      THEN owners.ended_at
      ELSE spans.ended_at
    END AS ended_at
  FROM open_runs AS spans
  INNER JOIN owners
    ON spans.case_id = owners.case_id
    AND (
      owners.ended_at IS NULL OR owners.ended_at > spans.started_at
    )
    AND (
      spans.ended_at IS NULL
      OR owners.started_at < spans.ended_at
      OR owners.started_at <= spans.started_at
    )
), attributes AS (
  SELECT
    case_id,
    attribute,
    value,
    valid_from_at,
    valid_to_at
  FROM staging.case_attributes
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND attribute IN ('priority', 'tier')
), prioritised_spans AS (
  SELECT
    spans.case_id,
    spans.source,
    spans.intake_date,
    spans.intake_ts,
    spans.case_ended_at,
    spans.is_cancelled,
    spans.priority,
    spans.tier,
    spans.is_reopened,
    spans.was_open,
    spans.is_open_next,
    spans.next_status,
    spans.run_started_at,
    spans.status,
    spans.is_open,
    spans.status_started_at,
    spans.status_ended_at,
    spans.team,
    spans.agent,
    spans.held_from_at,
    spans.is_queue_new
    AND NOT COALESCE(attributes.valid_from_at > spans.started_at, FALSE) AS is_queue_new,
    spans.is_queue_left
    AND NOT COALESCE(attributes.valid_to_at < spans.ended_at, FALSE) AS is_queue_left,
    NOT attributes.case_id IS NULL AS is_priority_told,
    attributes.value AS told_priority,
    COALESCE(attributes.valid_from_at >= spans.started_at, FALSE) AS is_priority_new,
    COALESCE(
      attributes.valid_to_at <= spans.ended_at
      OR (
        spans.ended_at IS NULL AND NOT attributes.valid_to_at IS NULL
      ),
      FALSE
    ) AS is_priority_left,
    CASE
      WHEN attributes.valid_from_at > spans.started_at
      THEN attributes.valid_from_at
      ELSE spans.started_at
    END AS started_at,
    CASE
      WHEN attributes.valid_to_at < spans.ended_at OR spans.ended_at IS NULL
      THEN COALESCE(attributes.valid_to_at, spans.ended_at)
      ELSE spans.ended_at
    END AS ended_at
  FROM held_spans AS spans
  LEFT JOIN attributes
    ON attributes.attribute = 'priority'
    AND spans.case_id = attributes.case_id
    AND (
      attributes.valid_to_at IS NULL OR attributes.valid_to_at > spans.started_at
    )
    AND (
      spans.ended_at IS NULL
      OR attributes.valid_from_at < spans.ended_at
      OR attributes.valid_from_at <= spans.started_at
    )
), uniform_spans AS (
  SELECT
    spans.case_id,
    spans.source,
    spans.intake_date,
    spans.intake_ts,
    spans.case_ended_at,
    spans.is_cancelled,
    spans.priority,
    spans.tier,
    spans.is_reopened,
    spans.was_open,
    spans.is_open_next,
    spans.next_status,
    spans.run_started_at,
    spans.status,
    spans.is_open,
    spans.status_started_at,
    spans.status_ended_at,
    spans.team,
    spans.agent,
    spans.held_from_at,
    spans.is_queue_new
    AND NOT COALESCE(attributes.valid_from_at > spans.started_at, FALSE) AS is_queue_new,
    spans.is_queue_left
    AND NOT COALESCE(attributes.valid_to_at < spans.ended_at, FALSE) AS is_queue_left,
    spans.is_priority_told,
    spans.told_priority,
    spans.is_priority_new
    AND NOT COALESCE(attributes.valid_from_at > spans.started_at, FALSE) AS is_priority_new,
    spans.is_priority_left
    AND NOT COALESCE(attributes.valid_to_at < spans.ended_at, FALSE) AS is_priority_left,
    NOT attributes.case_id IS NULL AS is_tier_told,
    attributes.value AS told_tier,
    COALESCE(attributes.valid_from_at >= spans.started_at, FALSE) AS is_tier_new,
    COALESCE(
      attributes.valid_to_at <= spans.ended_at
      OR (
        spans.ended_at IS NULL AND NOT attributes.valid_to_at IS NULL
      ),
      FALSE
    ) AS is_tier_left,
    CASE
      WHEN attributes.valid_from_at > spans.started_at
      THEN attributes.valid_from_at
      ELSE spans.started_at
    END AS started_at,
    CASE
      WHEN attributes.valid_to_at < spans.ended_at OR spans.ended_at IS NULL
      THEN COALESCE(attributes.valid_to_at, spans.ended_at)
      ELSE spans.ended_at
    END AS ended_at
  FROM prioritised_spans AS spans
  LEFT JOIN attributes
    ON attributes.attribute = 'tier'
    AND spans.case_id = attributes.case_id
    AND (
      attributes.valid_to_at IS NULL OR attributes.valid_to_at > spans.started_at
    )
    AND (
      spans.ended_at IS NULL
      OR attributes.valid_from_at < spans.ended_at
      OR attributes.valid_from_at <= spans.started_at
    )
), bounded_spans AS (
  SELECT
    *,
    CASE
      WHEN started_at = intake_ts
      THEN 'opened'
      WHEN NOT is_reopened OR started_at > status_started_at OR was_open = is_open
      THEN 'changed'
      WHEN is_open
      THEN 'reopened'
      WHEN status IN ('CANCELLED', 'MERGED')
      THEN 'cancelled'
      ELSE 'ended'
    END AS began_with,
    CASE
      WHEN ended_at IS NULL OR (
        ended_at = case_ended_at AND NOT is_open
      )
      THEN NULL
      WHEN ended_at = case_ended_at
      THEN CASE WHEN is_cancelled THEN 'cancelled' ELSE 'ended' END
      WHEN NOT is_reopened
      OR status_ended_at IS NULL
      OR ended_at < status_ended_at
      OR is_open_next = is_open
      THEN 'changed'
      WHEN NOT is_open
      THEN 'reopened'
      WHEN next_status IN ('CANCELLED', 'MERGED')
      THEN 'cancelled'
      ELSE 'ended'
    END AS ended_with,
    CASE WHEN run_started_at > held_from_at THEN run_started_at ELSE held_from_at END AS stint_started_at
  FROM uniform_spans
), utc_dates AS (
  SELECT
    utc_date,
    MIN(local_date) AS first_date,
    MIN(CASE WHEN rank_of_date = 2 THEN segment_start_at END) AS second_date_from_at,
    MAX(CASE WHEN rank_of_date = 2 THEN local_date END) AS second_date,
    MIN(CASE WHEN rank_of_date = 3 THEN segment_start_at END) AS third_date_from_at,
    MAX(CASE WHEN rank_of_date = 3 THEN local_date END) AS third_date
  FROM (
    SELECT
      segments.utc_date,
      segments.local_date,
      segments.segment_start_at,
      1 + DATEDIFF(DAY, first_dates.first_date, segments.local_date) AS rank_of_date
    FROM staging.business_time AS segments
    INNER JOIN (
      SELECT
        utc_date,
        MIN(local_date) AS first_date
      FROM staging.business_time
      WHERE
        calendar = 'desk'
      GROUP BY
        utc_date
    ) AS first_dates
      ON segments.utc_date = first_dates.utc_date
    WHERE
      segments.calendar = 'desk'
  ) AS ranked_segments
  GROUP BY
    utc_date
)
SELECT
  spans.source,
  spans.case_id,
  spans.intake_date,
  spans.started_at,
  spans.ended_at,
  CASE
    WHEN start_dates.utc_date IS NULL
    THEN CAST(spans.started_at AS DATE)
    WHEN spans.started_at >= start_dates.third_date_from_at
    THEN start_dates.third_date
    WHEN spans.started_at >= start_dates.second_date_from_at
    THEN start_dates.second_date
    ELSE start_dates.first_date
  END AS started_date,
  CASE
    WHEN end_dates.utc_date IS NULL
    THEN CAST(spans.ended_at AS DATE)
    WHEN spans.ended_at >= end_dates.third_date_from_at
    THEN end_dates.third_date
    WHEN spans.ended_at >= end_dates.second_date_from_at
    THEN end_dates.second_date
    ELSE end_dates.first_date
  END AS ended_date,
  spans.is_open,
  spans.began_with,
  spans.ended_with,
  spans.status,
  CASE
    WHEN NOT spans.is_open
    THEN NULL
    WHEN spans.status = 'CUSTOMER_WAIT'
    THEN 'customer'
    WHEN spans.status = 'VENDOR_WAIT'
    THEN 'vendor'
    WHEN spans.status = 'ON_HOLD'
    THEN 'other'
    ELSE 'us'
  END AS waits_for,
  spans.team,
  spans.agent,
  CASE WHEN spans.is_priority_told THEN spans.told_priority ELSE spans.priority END AS priority,
  CASE WHEN spans.is_tier_told THEN spans.told_tier ELSE spans.tier END AS tier,
  spans.stint_started_at,
  spans.began_with = 'changed' AND spans.is_open AND NOT spans.is_queue_new AS is_queue_kept_at_start,
  COALESCE(spans.ended_with = 'changed' AND spans.is_open AND NOT spans.is_queue_left, FALSE) AS is_queue_kept_at_end,
  spans.began_with = 'changed' AND spans.is_open AND NOT spans.is_priority_new AS is_priority_kept_at_start,
  COALESCE(
    spans.ended_with = 'changed' AND spans.is_open AND NOT spans.is_priority_left,
    FALSE
  ) AS is_priority_kept_at_end,
  spans.began_with = 'changed' AND spans.is_open AND NOT spans.is_tier_new AS is_tier_kept_at_start,
  COALESCE(spans.ended_with = 'changed' AND spans.is_open AND NOT spans.is_tier_left, FALSE) AS is_tier_kept_at_end
FROM bounded_spans AS spans
LEFT JOIN utc_dates AS start_dates
  ON CAST(spans.started_at AS DATE) = start_dates.utc_date
LEFT JOIN utc_dates AS end_dates
  ON CAST(spans.ended_at AS DATE) = end_dates.utc_date
