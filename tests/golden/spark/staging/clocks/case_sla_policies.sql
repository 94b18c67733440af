-- The Spark SQL of sql/staging/clocks/case_sla_policies.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), attribute_validity AS (
  SELECT
    attributes.case_id,
    attributes.attribute,
    attributes.value,
    attributes.valid_from_at,
    attributes.valid_to_at
  FROM staging.case_attributes AS attributes
  WHERE
    attributes.intake_date >= :start_date
    AND attributes.intake_date < :end_date
    AND EXISTS(
      SELECT
        1
      FROM staging.sla_policy_scopes AS scopes
      WHERE
        scopes.attribute = attributes.attribute
    )
), applied_targets AS (
  SELECT
    *
  FROM raw.applied_targets
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), policies AS (
  SELECT
    *
  FROM staging.sla_policies
), scopes AS (
  SELECT
    position,
    attribute,
    value
  FROM staging.sla_policy_scopes
), policy_positions AS (
  SELECT
    policies.position,
    MAX(policies.reopen) AS reopen,
    COUNT(DISTINCT scopes.attribute) AS attributes
  FROM policies
  LEFT JOIN scopes
    ON policies.position = scopes.position
  GROUP BY
    policies.position
), catch_all_policy AS (
  SELECT
    MIN(position) AS position
  FROM policy_positions
  WHERE
    attributes = 0
), instants AS (
  SELECT
    case_id,
    intake_ts AS instant
  FROM cases
  UNION
  SELECT
    case_id,
    valid_from_at AS instant
  FROM attribute_validity
), matching_scopes AS (
  SELECT
    instants.case_id,
    instants.instant,
    scopes.position,
    COUNT(DISTINCT scopes.attribute) AS attributes
  FROM instants
  INNER JOIN attribute_validity
    ON instants.case_id = attribute_validity.case_id
    AND instants.instant >= attribute_validity.valid_from_at
    AND (
      attribute_validity.valid_to_at IS NULL
      OR instants.instant < attribute_validity.valid_to_at
    )
  INNER JOIN scopes
    ON attribute_validity.attribute = scopes.attribute
    AND (
      attribute_validity.value = scopes.value
      OR (
        scopes.attribute = 'tags'
        AND LOCATE(' ' || scopes.value || ' ', ' ' || attribute_validity.value || ' ') > 0
      )
    )
  GROUP BY
    instants.case_id,
    instants.instant,
    scopes.position
), first_matching_policies AS (
  SELECT
    matching_scopes.case_id,
    matching_scopes.instant,
    MIN(matching_scopes.position) AS position
  FROM matching_scopes
  INNER JOIN policy_positions
    ON matching_scopes.position = policy_positions.position
    AND matching_scopes.attributes = policy_positions.attributes
  GROUP BY
    matching_scopes.case_id,
    matching_scopes.instant
), policies_at_instants AS (
  SELECT
    instants.case_id,
    instants.instant,
    CASE
      WHEN catch_all_policy.position IS NULL
      OR first_matching_policies.position < catch_all_policy.position
      THEN first_matching_policies.position
      ELSE catch_all_policy.position
    END AS position
  FROM instants
  CROSS JOIN catch_all_policy
  LEFT JOIN first_matching_policies
    ON instants.case_id = first_matching_policies.case_id
    AND instants.instant = first_matching_policies.instant
), policies_with_previous AS (
  SELECT
    case_id,
    instant,
    position,
    ROW_NUMBER() OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS instant_number,
    LAG(position) OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS previous_position
  FROM policies_at_instants
), policy_validity AS (
  SELECT
    case_id,
    position,
    instant AS in_force_from_at,
    LEAD(instant) OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS in_force_to_at,
    FIRST_VALUE(position) OVER (PARTITION BY case_id ORDER BY instant NULLS LAST) AS position_at_intake
  FROM policies_with_previous
  WHERE
    instant_number = 1 OR position IS DISTINCT FROM previous_position
), configured_promises AS (
  SELECT
    policy_validity.case_id,
    policies.metric,
    policies.policy,
    policies.calendar,
    policies.target_seconds,
    COALESCE(policy_positions.reopen, 'freeze') AS reopen,
    policies.change,
    policies.schedule_change,
    FALSE AS is_on_case_schedule,
    FALSE AS is_source_promise,
    policy_validity.in_force_from_at,
    policy_validity.in_force_to_at
  FROM policy_validity
  INNER JOIN policies
    ON policy_validity.position = policies.position
  LEFT JOIN policy_positions
    ON policy_validity.position_at_intake = policy_positions.position
), applied_to_cases AS (
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
  FROM applied_targets AS targets
  INNER JOIN cases
    ON targets.case_id = cases.case_id
), applied_with_next AS (
  SELECT
    *,
    LEAD(applied_at) OVER (PARTITION BY case_id, metric ORDER BY applied_number NULLS LAST) AS next_applied_at
  FROM applied_to_cases
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
), applied_changes AS (
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
), source_promises AS (
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
  FROM applied_changes
  WHERE
    NOT target_seconds IS NULL
), promises AS (
  SELECT
    *
  FROM configured_promises
  UNION ALL
  SELECT
    *
  FROM source_promises
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
