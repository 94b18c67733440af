-- The Spark SQL of sql/staging/clocks/case_sla_policies.sql, written by `make docs`.
WITH cases AS (
  SELECT
    *
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), scopes AS (
  SELECT
    position,
    attribute,
    value
  FROM staging.sla_policy_scopes
), scoped AS (
  SELECT DISTINCT
    attribute
  FROM scopes
), positions AS (
  SELECT
    policies.position,
    MAX(policies.reopen) AS reopen,
    COUNT(DISTINCT scopes.attribute) AS attributes
  FROM staging.sla_policies AS policies
  LEFT JOIN scopes
    ON policies.position = scopes.position
  GROUP BY
    policies.position
), for_everyone AS (
  SELECT
    MIN(position) AS position
  FROM positions
  WHERE
    attributes = 0
), changes AS (
  SELECT
    changes.case_id,
    changes.attribute,
    changes.value,
    changes.previous_value,
    CASE
      WHEN changes.changed_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE changes.changed_ts
    END AS changed_at,
    ROW_NUMBER() OVER (
      PARTITION BY changes.case_id, changes.attribute
      ORDER BY changes.changed_ts NULLS LAST, changes.source_sequence NULLS LAST, changes.change_id NULLS LAST
    ) AS change_number
  FROM raw.attribute_changes AS changes
  INNER JOIN scoped
    ON changes.attribute = scoped.attribute
  INNER JOIN cases
    ON changes.case_id = cases.case_id
  WHERE
    changes.intake_date >= :start_date AND changes.intake_date < :end_date
), at_intake AS (
  SELECT
    cases.case_id,
    cases.intake_ts,
    scoped.attribute,
    CASE
      WHEN NOT changes.case_id IS NULL
      THEN changes.previous_value
      WHEN scoped.attribute = 'priority'
      THEN cases.priority
      WHEN scoped.attribute = 'tier'
      THEN cases.tier
      WHEN scoped.attribute = 'brand'
      THEN cases.brand
      WHEN scoped.attribute = 'region'
      THEN cases.region
      WHEN scoped.attribute = 'channel'
      THEN cases.channel
      WHEN scoped.attribute = 'team'
      THEN cases.team
      WHEN scoped.attribute = 'case_type'
      THEN cases.case_type
      WHEN scoped.attribute = 'customer'
      THEN cases.customer
      WHEN scoped.attribute = 'tags'
      THEN cases.tags
      WHEN scoped.attribute = 'source'
      THEN cases.source
      WHEN scoped.attribute = 'initiated_by'
      THEN cases.initiated_by
    END AS value
  FROM cases
  CROSS JOIN scoped
  LEFT JOIN changes
    ON cases.case_id = changes.case_id
    AND scoped.attribute = changes.attribute
    AND changes.change_number = 1
), changing AS (
  SELECT
    case_id,
    attribute,
    value,
    intake_ts AS held_from,
    CAST(0 AS BIGINT) AS change_number
  FROM at_intake
  UNION ALL
  SELECT
    case_id,
    attribute,
    value,
    changed_at AS held_from,
    change_number
  FROM changes
), lasting AS (
  SELECT
    case_id,
    attribute,
    value,
    held_from,
    LEAD(held_from) OVER (PARTITION BY case_id, attribute ORDER BY change_number NULLS LAST) AS held_to
  FROM changing
), held AS (
  SELECT
    case_id,
    attribute,
    value,
    held_from,
    held_to
  FROM lasting
  WHERE
    held_to IS NULL OR held_to > held_from
), instants AS (
  SELECT
    case_id,
    intake_ts AS instant
  FROM cases
  UNION
  SELECT
    case_id,
    held_from AS instant
  FROM held
), met AS (
  SELECT
    instants.case_id,
    instants.instant,
    scopes.position,
    COUNT(DISTINCT scopes.attribute) AS attributes
  FROM instants
  INNER JOIN held
    ON instants.case_id = held.case_id
    AND instants.instant >= held.held_from
    AND (
      held.held_to IS NULL OR instants.instant < held.held_to
    )
  INNER JOIN scopes
    ON held.attribute = scopes.attribute
    AND (
      held.value = scopes.value
      OR (
        scopes.attribute = 'tags'
        AND LOCATE(' ' || scopes.value || ' ', ' ' || held.value || ' ') > 0
      )
    )
  GROUP BY
    instants.case_id,
    instants.instant,
    scopes.position
), first_met AS (
  SELECT
    met.case_id,
    met.instant,
    MIN(met.position) AS position
  FROM met
  INNER JOIN positions
    ON met.position = positions.position AND met.attributes = positions.attributes
  GROUP BY
    met.case_id,
    met.instant
), in_force AS (
  SELECT
    instants.case_id,
    instants.instant,
    CASE
      WHEN for_everyone.position IS NULL OR first_met.position < for_everyone.position
      THEN first_met.position
      ELSE for_everyone.position
    END AS position
  FROM instants
  CROSS JOIN for_everyone
  LEFT JOIN first_met
    ON instants.case_id = first_met.case_id AND instants.instant = first_met.instant
), compared AS (
  SELECT
    case_id,
    instant,
    position,
    ROW_NUMBER() OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS instant_number,
    LAG(position) OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS previous_position
  FROM in_force
), stretches AS (
  SELECT
    case_id,
    position,
    instant AS in_force_from_at,
    LEAD(instant) OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS in_force_to_at,
    FIRST_VALUE(position) OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS position_at_intake
  FROM compared
  WHERE
    instant_number = 1 OR position IS DISTINCT FROM previous_position
), configured AS (
  SELECT
    stretches.case_id,
    policies.metric,
    policies.policy,
    policies.calendar,
    policies.target_seconds,
    COALESCE(positions.reopen, 'freeze') AS reopen,
    policies.change,
    policies.schedule_change,
    FALSE AS is_on_case_schedule,
    FALSE AS is_source_promise,
    stretches.in_force_from_at,
    stretches.in_force_to_at
  FROM stretches
  INNER JOIN staging.sla_policies AS policies
    ON stretches.position = policies.position
  LEFT JOIN positions
    ON stretches.position_at_intake = positions.position
), applied AS (
  SELECT
    targets.case_id,
    targets.metric,
    targets.source || ':' || targets.policy AS policy,
    targets.calendar,
    targets.target_seconds,
    targets.is_on_case_schedule,
    targets.schedule_change,
    FIRST_VALUE(targets.reopen) OVER (
      PARTITION BY targets.case_id, targets.metric
      ORDER BY targets.applied_ts NULLS LAST, targets.source_sequence NULLS LAST, targets.applied_id NULLS LAST
    ) AS reopen,
    CASE
      WHEN targets.applied_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE targets.applied_ts
    END AS applied_at,
    ROW_NUMBER() OVER (
      PARTITION BY targets.case_id, targets.metric
      ORDER BY targets.applied_ts NULLS LAST, targets.source_sequence NULLS LAST, targets.applied_id NULLS LAST
    ) AS applied_number
  FROM raw.applied_targets AS targets
  INNER JOIN cases
    ON targets.case_id = cases.case_id
  WHERE
    targets.intake_date >= :start_date AND targets.intake_date < :end_date
), applied_with_next AS (
  SELECT
    *,
    LEAD(applied_at) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS next_applied_at
  FROM applied
), last_applied_of_instant AS (
  SELECT
    *
  FROM applied_with_next
  WHERE
    next_applied_at IS NULL OR next_applied_at > applied_at
), applied_with_previous AS (
  SELECT
    *,
    LAG(applied_number) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) IS NULL AS is_first,
    LAG(policy) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS previous_policy,
    LAG(calendar) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS previous_calendar,
    LAG(target_seconds) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS previous_target_seconds,
    LAG(is_on_case_schedule) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS previous_is_on_case_schedule,
    LAG(schedule_change) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS previous_schedule_change
  FROM last_applied_of_instant
), applied_stretches AS (
  SELECT
    *,
    LEAD(applied_at) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS in_force_to_at
  FROM applied_with_previous
  WHERE
    is_first
    OR policy IS DISTINCT FROM previous_policy
    OR calendar IS DISTINCT FROM previous_calendar
    OR target_seconds IS DISTINCT FROM previous_target_seconds
    OR is_on_case_schedule IS DISTINCT FROM previous_is_on_case_schedule
    OR schedule_change IS DISTINCT FROM previous_schedule_change
), promised_by_source AS (
  SELECT
    case_id,
    metric,
    policy,
    calendar,
    target_seconds,
    reopen,
    'retroactive' AS change,
    schedule_change,
    is_on_case_schedule,
    TRUE AS is_source_promise,
    applied_at AS in_force_from_at,
    in_force_to_at
  FROM applied_stretches
  WHERE
    NOT target_seconds IS NULL
), promises AS (
  SELECT
    *
  FROM configured
  UNION ALL
  SELECT
    *
  FROM promised_by_source
)
SELECT
  cases.source,
  promises.case_id,
  cases.intake_date,
  promises.metric,
  promises.policy,
  promises.calendar,
  promises.target_seconds,
  promises.reopen,
  promises.change,
  promises.schedule_change,
  promises.is_on_case_schedule,
  promises.is_source_promise,
  promises.in_force_from_at,
  promises.in_force_to_at
FROM promises
INNER JOIN cases
  ON promises.case_id = cases.case_id
