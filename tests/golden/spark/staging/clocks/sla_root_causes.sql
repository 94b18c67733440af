-- The Spark SQL of sql/staging/clocks/sla_root_causes.sql, written by `make docs`.
WITH running AS (
  SELECT
    spans.case_id,
    spans.intake_date,
    spans.policy,
    spans.metric,
    spans.cycle,
    spans.calendar,
    clocks.outcome = 'breached' AS is_breached,
    spans.open_seconds_at_start,
    spans.open_seconds_at_stop
  FROM staging.sla_clock_spans AS spans
  INNER JOIN staging.sla_clocks AS clocks
    ON spans.case_id = clocks.case_id
    AND spans.policy = clocks.policy
    AND spans.metric = clocks.metric
    AND spans.cycle = clocks.cycle
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND clocks.intake_date >= :start_date
    AND clocks.intake_date < :end_date
    AND spans.state = 'running'
    AND spans.running_seconds > 0
    AND clocks.outcome IN ('met', 'breached')
), calendars AS (
  SELECT DISTINCT
    calendar
  FROM running
), statuses AS (
  SELECT
    spans.case_id,
    spans.status,
    calendars.calendar,
    start_time.open_seconds_before + CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_start,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_stop
  FROM staging.status_spans AS spans
  CROSS JOIN calendars
  INNER JOIN staging.business_time AS start_time
    ON calendars.calendar = start_time.calendar
    AND CAST(spans.started_at AS DATE) = start_time.utc_date
    AND spans.started_at >= start_time.segment_start_at
    AND spans.started_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON calendars.calendar = stop_time.calendar
    AND CAST(spans.ended_at AS DATE) = stop_time.utc_date
    AND spans.ended_at >= stop_time.segment_start_at
    AND spans.ended_at < stop_time.segment_end_at
  WHERE
    spans.intake_date >= :start_date AND spans.intake_date < :end_date
), span_parts AS (
  SELECT
    running.case_id,
    running.intake_date,
    running.policy,
    running.metric,
    running.cycle,
    running.calendar,
    running.is_breached,
    statuses.status,
    CASE
      WHEN statuses.open_seconds_at_start > running.open_seconds_at_start
      THEN statuses.open_seconds_at_start
      ELSE running.open_seconds_at_start
    END AS open_seconds_at_start,
    CASE
      WHEN statuses.open_seconds_at_stop < running.open_seconds_at_stop
      THEN statuses.open_seconds_at_stop
      ELSE running.open_seconds_at_stop
    END AS open_seconds_at_stop
  FROM running
  INNER JOIN statuses
    ON running.case_id = statuses.case_id AND running.calendar = statuses.calendar
  WHERE
    statuses.open_seconds_at_start < running.open_seconds_at_stop
    AND (
      statuses.open_seconds_at_stop IS NULL
      OR statuses.open_seconds_at_stop > running.open_seconds_at_start
    )
), stages AS (
  SELECT
    case_id,
    MIN(intake_date) AS intake_date,
    policy,
    metric,
    cycle,
    BOOL_OR(is_breached) AS is_breached,
    status,
    SUM(open_seconds_at_stop - open_seconds_at_start) AS seconds
  FROM span_parts
  GROUP BY
    case_id,
    policy,
    metric,
    cycle,
    status
), peers AS (
  SELECT
    intake_date,
    policy,
    metric,
    status,
    COUNT(*) AS clocks,
    PERCENTILE(seconds, 0.5) AS median_seconds
  FROM stages
  GROUP BY
    intake_date,
    policy,
    metric,
    status
), ranked_statuses AS (
  SELECT
    stages.case_id,
    stages.intake_date,
    stages.policy,
    stages.metric,
    stages.cycle,
    stages.status,
    stages.seconds,
    peers.median_seconds,
    peers.clocks AS peer_clocks,
    ROW_NUMBER() OVER (
      PARTITION BY stages.case_id, stages.policy, stages.metric, stages.cycle
      ORDER BY stages.seconds - peers.median_seconds DESC, stages.status NULLS LAST
    ) AS place
  FROM stages
  INNER JOIN peers
    ON stages.intake_date = peers.intake_date
    AND stages.policy = peers.policy
    AND stages.metric = peers.metric
    AND stages.status = peers.status
  WHERE
    stages.is_breached
), root_causes AS (
  SELECT
    spans.case_id,
    spans.policy,
    spans.metric,
    spans.cycle,
    spans.calendar,
    CASE
      WHEN statuses.open_seconds_at_start > spans.open_seconds_at_start
      THEN statuses.open_seconds_at_start
      ELSE spans.open_seconds_at_start
    END AS open_seconds_at_start,
    CASE
      WHEN statuses.open_seconds_at_stop < spans.open_seconds_at_stop
      THEN statuses.open_seconds_at_stop
      ELSE spans.open_seconds_at_stop
    END AS open_seconds_at_stop
  FROM ranked_statuses
  INNER JOIN staging.sla_clock_spans AS spans
    ON ranked_statuses.case_id = spans.case_id
    AND ranked_statuses.policy = spans.policy
    AND ranked_statuses.metric = spans.metric
    AND ranked_statuses.cycle = spans.cycle
  INNER JOIN statuses
    ON spans.case_id = statuses.case_id
    AND spans.calendar = statuses.calendar
    AND ranked_statuses.status = statuses.status
  WHERE
    ranked_statuses.place = 1
    AND spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND spans.state = 'running'
    AND spans.running_seconds > 0
    AND statuses.open_seconds_at_start < spans.open_seconds_at_stop
    AND (
      statuses.open_seconds_at_stop IS NULL
      OR statuses.open_seconds_at_stop > spans.open_seconds_at_start
    )
), blamed_statuses AS (
  SELECT DISTINCT
    case_id,
    calendar
  FROM root_causes
), owners AS (
  SELECT
    owners.case_id,
    COALESCE(owners.agent, NULLIF(owners.team, 'UNASSIGNED')) AS owner,
    blamed_statuses.calendar,
    start_time.open_seconds_before + CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(owners.held_from_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_start,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(owners.held_to_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_stop
  FROM staging.ownership_spans AS owners
  INNER JOIN blamed_statuses
    ON owners.case_id = blamed_statuses.case_id
  INNER JOIN staging.business_time AS start_time
    ON blamed_statuses.calendar = start_time.calendar
    AND CAST(owners.held_from_at AS DATE) = start_time.utc_date
    AND owners.held_from_at >= start_time.segment_start_at
    AND owners.held_from_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON blamed_statuses.calendar = stop_time.calendar
    AND CAST(owners.held_to_at AS DATE) = stop_time.utc_date
    AND owners.held_to_at >= stop_time.segment_start_at
    AND owners.held_to_at < stop_time.segment_end_at
  WHERE
    owners.intake_date >= :start_date
    AND owners.intake_date < :end_date
    AND owners.is_holding_start
    AND (
      NOT owners.agent IS NULL OR owners.team <> 'UNASSIGNED'
    )
), shares AS (
  SELECT
    root_causes.case_id,
    root_causes.policy,
    root_causes.metric,
    root_causes.cycle,
    owners.owner,
    CASE
      WHEN owners.open_seconds_at_stop < root_causes.open_seconds_at_stop
      THEN owners.open_seconds_at_stop
      ELSE root_causes.open_seconds_at_stop
    END - CASE
      WHEN owners.open_seconds_at_start > root_causes.open_seconds_at_start
      THEN owners.open_seconds_at_start
      ELSE root_causes.open_seconds_at_start
    END AS seconds
  FROM root_causes
  INNER JOIN owners
    ON root_causes.case_id = owners.case_id AND root_causes.calendar = owners.calendar
  WHERE
    owners.open_seconds_at_start < root_causes.open_seconds_at_stop
    AND (
      owners.open_seconds_at_stop IS NULL
      OR owners.open_seconds_at_stop > root_causes.open_seconds_at_start
    )
), owner_parts AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    owner,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, policy, metric, cycle
      ORDER BY SUM(seconds) DESC, owner NULLS LAST
    ) AS place
  FROM shares
  GROUP BY
    case_id,
    policy,
    metric,
    cycle,
    owner
)
SELECT
  cases.source,
  ranked_statuses.case_id,
  ranked_statuses.intake_date,
  ranked_statuses.policy,
  ranked_statuses.metric,
  ranked_statuses.cycle,
  ranked_statuses.status AS root_cause_stage,
  owner_parts.owner AS root_cause_owner,
  CAST(CAST(ranked_statuses.seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS root_cause_business_minutes,
  CAST(CAST(ranked_statuses.median_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS peer_median_business_minutes,
  CAST(CAST(ranked_statuses.seconds - ranked_statuses.median_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS beyond_peers_business_minutes,
  CAST(ranked_statuses.peer_clocks AS BIGINT) AS peer_clocks
FROM ranked_statuses
INNER JOIN staging.case_milestones AS cases
  ON ranked_statuses.case_id = cases.case_id
  AND ranked_statuses.intake_date = cases.intake_date
LEFT JOIN owner_parts
  ON ranked_statuses.case_id = owner_parts.case_id
  AND ranked_statuses.policy = owner_parts.policy
  AND ranked_statuses.metric = owner_parts.metric
  AND ranked_statuses.cycle = owner_parts.cycle
  AND owner_parts.place = 1
WHERE
  ranked_statuses.place = 1
  AND cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
