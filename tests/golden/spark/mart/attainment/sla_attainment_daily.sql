-- The Spark SQL of sql/mart/attainment/sla_attainment_daily.sql, written by `make docs`.
WITH clocks AS (
  SELECT
    clocks.case_id,
    clocks.intake_date,
    clocks.source,
    clocks.policy,
    clocks.metric,
    clocks.is_source_promise,
    clocks.outcome,
    clocks.early_seconds,
    COALESCE(cases.team, 'none') AS queue,
    COALESCE(cases.priority, 'none') AS priority,
    COALESCE(cases.tier, 'none') AS tier,
    COALESCE(cases.region, 'none') AS region,
    COALESCE(cases.brand, 'none') AS brand,
    COALESCE(cases.channel, 'none') AS channel,
    root_causes.root_cause_stage,
    root_causes.root_cause_owner
  FROM staging.sla_clocks AS clocks
  INNER JOIN staging.case_milestones AS cases
    ON clocks.case_id = cases.case_id
  LEFT JOIN staging.sla_root_causes AS root_causes
    ON clocks.outcome = 'breached'
    AND clocks.case_id = root_causes.case_id
    AND clocks.policy = root_causes.policy
    AND clocks.metric = root_causes.metric
    AND clocks.cycle = root_causes.cycle
    AND root_causes.intake_date >= :start_date
    AND root_causes.intake_date < :end_date
  WHERE
    clocks.intake_date >= :start_date
    AND clocks.intake_date < :end_date
    AND cases.intake_date >= :start_date
    AND cases.intake_date < :end_date
), like_clocks AS (
  SELECT
    intake_date,
    source,
    policy,
    metric,
    is_source_promise,
    queue,
    priority,
    tier,
    region,
    brand,
    channel,
    root_cause_stage,
    root_cause_owner,
    COUNT(*) AS clocks,
    COUNT(*) FILTER(WHERE
      outcome = 'met') AS met_clocks,
    COUNT(*) FILTER(WHERE
      outcome = 'breached') AS breached_clocks,
    COUNT(*) FILTER(WHERE
      outcome = 'running') AS running_clocks,
    COUNT(*) FILTER(WHERE
      outcome = 'unknown') AS unknown_clocks,
    SUM(CASE WHEN outcome = 'breached' THEN -early_seconds END) AS late_seconds
  FROM clocks
  GROUP BY
    intake_date,
    source,
    policy,
    metric,
    is_source_promise,
    queue,
    priority,
    tier,
    region,
    brand,
    channel,
    root_cause_stage,
    root_cause_owner
), clock_counts AS (
  SELECT
    intake_date,
    source,
    policy,
    metric,
    is_source_promise,
    CASE
      WHEN GROUPING(queue) = 0
      THEN 'queue'
      WHEN GROUPING(priority) = 0
      THEN 'priority'
      WHEN GROUPING(tier) = 0
      THEN 'tier'
      WHEN GROUPING(region) = 0
      THEN 'region'
      WHEN GROUPING(brand) = 0
      THEN 'brand'
      WHEN GROUPING(channel) = 0
      THEN 'channel'
      WHEN GROUPING(root_cause_stage) = 0
      THEN 'root_cause_stage'
      WHEN GROUPING(root_cause_owner) = 0
      THEN 'root_cause_owner'
      ELSE 'all'
    END AS dimension,
    COALESCE(queue, priority, tier, region, brand, channel, root_cause_stage, root_cause_owner) AS dimension_value,
    SUM(clocks) AS clocks,
    SUM(met_clocks) AS met_clocks,
    SUM(breached_clocks) AS breached_clocks,
    SUM(running_clocks) AS running_clocks,
    SUM(unknown_clocks) AS unknown_clocks,
    COALESCE(SUM(late_seconds), 0) AS late_seconds
  FROM like_clocks
  GROUP BY
    GROUPING SETS (
      (intake_date, source, policy, metric, is_source_promise),
      (intake_date, source, policy, metric, is_source_promise, queue),
      (intake_date, source, policy, metric, is_source_promise, priority),
      (intake_date, source, policy, metric, is_source_promise, tier),
      (intake_date, source, policy, metric, is_source_promise, region),
      (intake_date, source, policy, metric, is_source_promise, brand),
      (intake_date, source, policy, metric, is_source_promise, channel),
      (intake_date, source, policy, metric, is_source_promise, root_cause_stage),
      (intake_date, source, policy, metric, is_source_promise, root_cause_owner)
    )
  UNION ALL
  SELECT
    clocks.intake_date,
    clocks.source,
    clocks.policy,
    clocks.metric,
    clocks.is_source_promise,
    dimensions.dimension_name AS dimension,
    COALESCE(dimensions.dimension_value, 'none') AS dimension_value,
    COUNT(*) AS clocks,
    COUNT(*) FILTER(WHERE
      clocks.outcome = 'met') AS met_clocks,
    COUNT(*) FILTER(WHERE
      clocks.outcome = 'breached') AS breached_clocks,
    COUNT(*) FILTER(WHERE
      clocks.outcome = 'running') AS running_clocks,
    COUNT(*) FILTER(WHERE
      clocks.outcome = 'unknown') AS unknown_clocks,
    COALESCE(SUM(CASE WHEN clocks.outcome = 'breached' THEN -clocks.early_seconds END), 0) AS late_seconds
  FROM clocks
  INNER JOIN staging.case_dimensions AS dimensions
    ON clocks.case_id = dimensions.case_id
    AND clocks.intake_date = dimensions.intake_date
  WHERE
    dimensions.intake_date >= :start_date AND dimensions.intake_date < :end_date
  GROUP BY
    clocks.intake_date,
    clocks.source,
    clocks.policy,
    clocks.metric,
    clocks.is_source_promise,
    dimensions.dimension_name,
    COALESCE(dimensions.dimension_value, 'none')
)
SELECT
  intake_date,
  source,
  policy,
  metric,
  is_source_promise,
  dimension,
  COALESCE(dimension_value, 'all') AS dimension_value,
  CAST(clocks AS BIGINT) AS clocks,
  CAST(met_clocks AS BIGINT) AS met_clocks,
  CAST(breached_clocks AS BIGINT) AS breached_clocks,
  CAST(running_clocks AS BIGINT) AS running_clocks,
  CAST(unknown_clocks AS BIGINT) AS unknown_clocks,
  CAST(late_seconds AS BIGINT) AS late_seconds
FROM clock_counts
WHERE
  NOT dimension_value IS NULL OR dimension = 'all'
