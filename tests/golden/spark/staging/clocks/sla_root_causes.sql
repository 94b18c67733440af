-- The Spark SQL of sql/staging/clocks/sla_root_causes.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    ROW_NUMBER() OVER (ORDER BY case_id NULLS LAST) AS case_number
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), peer_groups AS (
  SELECT
    intake_date,
    policy,
    metric,
    ROW_NUMBER() OVER (ORDER BY intake_date NULLS LAST, policy NULLS LAST, metric NULLS LAST) AS peer_group
  FROM staging.sla_clocks
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date,
    policy,
    metric
), running AS (
  SELECT
    cases.case_id,
    cases.case_number,
    peer_groups.peer_group,
    clocks.cycle,
    clocks.outcome = 'breached' AS is_breached,
    spans.calendar,
    spans.open_seconds_at_start,
    spans.open_seconds_at_stop
  FROM staging.sla_clock_spans AS spans
  INNER JOIN staging.sla_clocks AS clocks
    ON spans.case_id = clocks.case_id
    AND spans.policy = clocks.policy
    AND spans.metric = clocks.metric
    AND spans.cycle = clocks.cycle
  INNER JOIN cases
    ON clocks.case_id = cases.case_id
  INNER JOIN peer_groups
    ON clocks.intake_date = peer_groups.intake_date
    AND clocks.policy = peer_groups.policy
    AND clocks.metric = peer_groups.metric
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
    running.case_number,
    running.peer_group,
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
    case_number,
    peer_group,
    cycle,
    status,
    BOOL_OR(is_breached) AS is_breached,
    SUM(open_seconds_at_stop - open_seconds_at_start) AS seconds
  FROM span_parts
  GROUP BY
    case_number,
    peer_group,
    cycle,
    status
), peers AS (
  SELECT
    peer_group,
    status,
    COUNT(*) AS clocks,
    PERCENTILE(seconds, 0.5) AS median_seconds
  FROM stages
  GROUP BY
    peer_group,
    status
), ranked_statuses AS (
  SELECT
    stages.case_number,
    stages.peer_group,
    stages.cycle,
    stages.status,
    stages.seconds,
    peers.median_seconds,
    peers.clocks AS peer_clocks,
    ROW_NUMBER() OVER (
      PARTITION BY stages.case_number, stages.peer_group, stages.cycle
      ORDER BY stages.seconds - peers.median_seconds DESC, stages.status NULLS LAST
    ) AS place
  FROM stages
  INNER JOIN peers
    ON stages.peer_group = peers.peer_group AND stages.status = peers.status
  WHERE
    stages.is_breached
), root_causes AS (
  SELECT
    running.case_id,
    running.case_number,
    running.peer_group,
    running.cycle,
    running.calendar,
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
  FROM ranked_statuses
  INNER JOIN running
    ON ranked_statuses.case_number = running.case_number
    AND ranked_statuses.peer_group = running.peer_group
    AND ranked_statuses.cycle = running.cycle
  INNER JOIN statuses
    ON running.case_id = statuses.case_id
    AND running.calendar = statuses.calendar
    AND ranked_statuses.status = statuses.status
  WHERE
    ranked_statuses.place = 1
    AND statuses.open_seconds_at_start < running.open_seconds_at_stop
    AND (
      statuses.open_seconds_at_stop IS NULL
      OR statuses.open_seconds_at_stop > running.open_seconds_at_start
    )
), blamed_cases AS (
  SELECT DISTINCT
    case_id,
    case_number,
    calendar
  FROM root_causes
), owners AS (
  SELECT
    blamed_cases.case_number,
    COALESCE(owners.agent, NULLIF(owners.team, 'UNASSIGNED')) AS owner,
    blamed_cases.calendar,
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
  INNER JOIN blamed_cases
    ON owners.case_id = blamed_cases.case_id
  INNER JOIN staging.business_time AS start_time
    ON blamed_cases.calendar = start_time.calendar
    AND CAST(owners.held_from_at AS DATE) = start_time.utc_date
    AND owners.held_from_at >= start_time.segment_start_at
    AND owners.held_from_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON blamed_cases.calendar = stop_time.calendar
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
    root_causes.case_number,
    root_causes.peer_group,
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
    ON root_causes.case_number = owners.case_number
    AND root_causes.calendar = owners.calendar
  WHERE
    owners.open_seconds_at_start < root_causes.open_seconds_at_stop
    AND (
      owners.open_seconds_at_stop IS NULL
      OR owners.open_seconds_at_stop > root_causes.open_seconds_at_start
    )
), owner_parts AS (
  SELECT
    case_number,
    peer_group,
    cycle,
    owner,
    ROW_NUMBER() OVER (
      PARTITION BY case_number, peer_group, cycle
      ORDER BY SUM(seconds) DESC, owner NULLS LAST
    ) AS place
  FROM shares
  GROUP BY
    case_number,
    peer_group,
    cycle,
    owner
)
SELECT
  cases.source,
  cases.case_id,
  peer_groups.intake_date,
  peer_groups.policy,
  peer_groups.metric,
  ranked_statuses.cycle,
  ranked_statuses.status AS root_cause_stage,
  owner_parts.owner AS root_cause_owner,
  CAST(CAST(ranked_statuses.seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS root_cause_business_minutes,
  CAST(CAST(ranked_statuses.median_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS peer_median_business_minutes,
  CAST(CAST(ranked_statuses.seconds - ranked_statuses.median_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS beyond_peers_business_minutes,
  CAST(ranked_statuses.peer_clocks AS BIGINT) AS peer_clocks
FROM ranked_statuses
INNER JOIN cases
  ON ranked_statuses.case_number = cases.case_number
INNER JOIN peer_groups
  ON ranked_statuses.peer_group = peer_groups.peer_group
LEFT JOIN owner_parts
  ON ranked_statuses.case_number = owner_parts.case_number
  AND ranked_statuses.peer_group = owner_parts.peer_group
  AND ranked_statuses.cycle = owner_parts.cycle
  AND owner_parts.place = 1
WHERE
  ranked_statuses.place = 1
