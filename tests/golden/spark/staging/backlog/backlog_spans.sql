-- The Spark SQL of sql/staging/backlog/backlog_spans.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts,
    ended_at,
    is_cancelled,
    priority,
    tier,
    case_type,
    region,
    brand,
    channel,
    customer
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), status_spans AS (
  SELECT
    spans.case_id,
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
    case_id,
    'INTAKE' AS status,
    TRUE AS is_open,
    intake_ts AS started_at,
    ended_at
  FROM cases
  WHERE
    ended_at <= intake_ts
), reopened_cases AS (
  SELECT DISTINCT
    case_id
  FROM status_spans
  WHERE
    NOT is_open
), open_changes AS (
  SELECT
    spans.case_id,
    spans.started_at,
    LAG(spans.is_open) OVER spans_in_order AS was_open,
    LEAD(spans.is_open) OVER spans_in_order AS is_open_next,
    LEAD(spans.status) OVER spans_in_order AS next_status
  FROM status_spans AS spans
  INNER JOIN reopened_cases
    ON spans.case_id = reopened_cases.case_id
  WINDOW spans_in_order AS (PARTITION BY spans.case_id ORDER BY spans.started_at NULLS LAST)
), open_runs AS (
  SELECT
    *,
    MAX(CASE WHEN is_open_from_here THEN started_at END) OVER (
      PARTITION BY case_id
      ORDER BY started_at NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS run_started_at
  FROM (
    SELECT
      *,
      was_open IS NULL OR NOT was_open AS is_open_from_here
    FROM open_changes
  ) AS changes
), owners AS (
  SELECT
    case_id,
    team,
    agent,
    started_at,
    ended_at,
    LAG(team) OVER owners_in_order AS previous_team,
    LEAD(team) OVER owners_in_order AS next_team
  FROM staging.case_owners
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  WINDOW owners_in_order AS (PARTITION BY case_id ORDER BY started_at NULLS LAST)
), held_spans AS (
  SELECT
    spans.case_id,
    spans.status,
    spans.is_open,
    spans.started_at AS status_started_at,
    spans.ended_at AS status_ended_at,
    owners.team,
    owners.agent,
    owners.started_at AS held_from_at,
    owners.started_at >= spans.started_at
    AND (
      owners.team IS DISTINCT FROM owners.previous_team
    ) AS is_queue_new,
    COALESCE(
      owners.ended_at <= spans.ended_at
      OR (
        spans.ended_at IS NULL AND NOT owners.ended_at IS NULL
      ),
      FALSE
    )
    AND (
      owners.team IS DISTINCT FROM owners.next_team
    ) AS is_queue_left,
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
  FROM status_spans AS spans
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
    spans.*,
    cases.source,
    cases.intake_date,
    cases.intake_ts,
    cases.priority,
    cases.tier,
    cases.case_type,
    cases.region,
    cases.brand,
    cases.channel,
    cases.customer,
    CASE
      WHEN spans.started_at = cases.intake_ts
      THEN 'opened'
      WHEN runs.case_id IS NULL
      OR spans.started_at > spans.status_started_at
      OR runs.was_open = spans.is_open
      THEN 'changed'
      WHEN spans.is_open
      THEN 'reopened'
      WHEN spans.status IN ('CANCELLED', 'MERGED')
      THEN 'cancelled'
      ELSE 'ended'
    END AS began_with,
    CASE
      WHEN spans.ended_at IS NULL
      OR (
        spans.ended_at = cases.ended_at AND NOT spans.is_open
      )
      THEN NULL
      WHEN spans.ended_at = cases.ended_at
      THEN CASE WHEN cases.is_cancelled THEN 'cancelled' ELSE 'ended' END
      WHEN runs.case_id IS NULL
      OR spans.status_ended_at IS NULL
      OR spans.ended_at < spans.status_ended_at
      OR runs.is_open_next = spans.is_open
      THEN 'changed'
      WHEN NOT spans.is_open
      THEN 'reopened'
      WHEN runs.next_status IN ('CANCELLED', 'MERGED')
      THEN 'cancelled'
      ELSE 'ended'
    END AS ended_with,
    CASE
      WHEN runs.run_started_at > spans.held_from_at
      THEN runs.run_started_at
      ELSE spans.held_from_at
    END AS stint_started_at
  FROM uniform_spans AS spans
  INNER JOIN cases
    ON spans.case_id = cases.case_id
  LEFT JOIN open_runs AS runs
    ON spans.case_id = runs.case_id AND spans.status_started_at = runs.started_at
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
  spans.case_type,
  spans.region,
  spans.brand,
  spans.channel,
  spans.customer,
  spans.intake_ts,
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
