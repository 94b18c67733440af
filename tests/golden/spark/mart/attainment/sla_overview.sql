-- The Spark SQL of sql/mart/attainment/sla_overview.sql, written by `make docs`.
WITH clock_counts AS (
  SELECT
    source,
    policy,
    metric,
    is_source_promise,
    dimension,
    dimension_value,
    SUM(clocks) AS clocks,
    SUM(met_clocks) AS met_clocks,
    SUM(breached_clocks) AS breached_clocks,
    SUM(running_clocks) AS running_clocks,
    SUM(unknown_clocks) AS unknown_clocks,
    SUM(late_seconds) AS late_seconds
  FROM mart.sla_attainment_daily
  GROUP BY
    source,
    policy,
    metric,
    is_source_promise,
    dimension,
    dimension_value
), marked_clocks AS (
  SELECT
    cases.source,
    clocks.case_id,
    cases.intake_date,
    clocks.policy,
    clocks.metric,
    COALESCE(clocks.team, 'none') AS queue,
    COALESCE(clocks.priority, 'none') AS priority,
    COALESCE(clocks.tier, 'none') AS tier,
    COALESCE(cases.region, 'none') AS region,
    COALESCE(cases.brand, 'none') AS brand,
    COALESCE(cases.channel, 'none') AS channel,
    CAST(NULL AS STRING) AS root_cause_stage,
    CAST(NULL AS STRING) AS root_cause_owner,
    1 AS open_breached_clocks,
    0 AS incomplete_clocks
  FROM mart.open_clocks AS clocks
  INNER JOIN staging.case_milestones AS cases
    ON clocks.case_id = cases.case_id
  WHERE
    clocks.outcome = 'breached'
  UNION ALL
  SELECT
    clocks.source,
    clocks.case_id,
    clocks.intake_date,
    clocks.policy,
    clocks.metric,
    COALESCE(cases.team, 'none') AS queue,
    COALESCE(cases.priority, 'none') AS priority,
    COALESCE(cases.tier, 'none') AS tier,
    COALESCE(cases.region, 'none') AS region,
    COALESCE(cases.brand, 'none') AS brand,
    COALESCE(cases.channel, 'none') AS channel,
    root_causes.root_cause_stage,
    root_causes.root_cause_owner,
    0 AS open_breached_clocks,
    1 AS incomplete_clocks
  FROM mart.incomplete_cases AS incomplete_cases
  INNER JOIN staging.sla_clocks AS clocks
    ON incomplete_cases.intake_date = clocks.intake_date
    AND incomplete_cases.case_id = clocks.case_id
  INNER JOIN staging.case_milestones AS cases
    ON clocks.intake_date = cases.intake_date AND clocks.case_id = cases.case_id
  LEFT JOIN staging.sla_root_causes AS root_causes
    ON clocks.outcome = 'breached'
    AND clocks.intake_date = root_causes.intake_date
    AND clocks.case_id = root_causes.case_id
    AND clocks.policy = root_causes.policy
    AND clocks.metric = root_causes.metric
    AND clocks.cycle = root_causes.cycle
  LEFT JOIN mart.open_clocks AS open_clocks
    ON clocks.outcome = 'running'
    AND clocks.case_id = open_clocks.case_id
    AND clocks.policy = open_clocks.policy
    AND clocks.metric = open_clocks.metric
    AND clocks.cycle = open_clocks.cycle
  WHERE
    COALESCE(open_clocks.outcome, clocks.outcome) IN ('met', 'breached')
), marked_clock_counts AS (
  SELECT
    source,
    policy,
    metric,
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
    COALESCE(
      queue,
      priority,
      tier,
      region,
      brand,
      channel,
      root_cause_stage,
      root_cause_owner,
      CASE
        WHEN GROUPING(root_cause_stage) = 1 AND GROUPING(root_cause_owner) = 1
        THEN 'all'
      END
    ) AS dimension_value,
    SUM(open_breached_clocks) AS open_breached_clocks,
    SUM(incomplete_clocks) AS incomplete_clocks
  FROM marked_clocks
  GROUP BY
    GROUPING SETS (
      (source, policy, metric),
      (source, policy, metric, queue),
      (source, policy, metric, priority),
      (source, policy, metric, tier),
      (source, policy, metric, region),
      (source, policy, metric, brand),
      (source, policy, metric, channel),
      (source, policy, metric, root_cause_stage),
      (source, policy, metric, root_cause_owner)
    )
  UNION ALL
  SELECT
    marked_clocks.source,
    marked_clocks.policy,
    marked_clocks.metric,
    dimensions.dimension_name AS dimension,
    COALESCE(dimensions.dimension_value, 'none') AS dimension_value,
    SUM(marked_clocks.open_breached_clocks) AS open_breached_clocks,
    SUM(marked_clocks.incomplete_clocks) AS incomplete_clocks
  FROM marked_clocks
  INNER JOIN staging.case_dimensions AS dimensions
    ON marked_clocks.case_id = dimensions.case_id
    AND marked_clocks.intake_date = dimensions.intake_date
  GROUP BY
    marked_clocks.source,
    marked_clocks.policy,
    marked_clocks.metric,
    dimensions.dimension_name,
    COALESCE(dimensions.dimension_value, 'none')
), all_clock_counts AS (
  SELECT
    clock_counts.source,
    clock_counts.policy,
    clock_counts.metric,
    clock_counts.is_source_promise,
    clock_counts.dimension,
    clock_counts.dimension_value,
    clock_counts.clocks,
    clock_counts.met_clocks,
    clock_counts.breached_clocks,
    clock_counts.running_clocks,
    clock_counts.unknown_clocks,
    clock_counts.late_seconds,
    COALESCE(marked_clock_counts.open_breached_clocks, 0) AS open_breached_clocks,
    COALESCE(marked_clock_counts.incomplete_clocks, 0) AS incomplete_clocks
  FROM clock_counts
  LEFT JOIN marked_clock_counts
    ON clock_counts.source = marked_clock_counts.source
    AND clock_counts.policy = marked_clock_counts.policy
    AND clock_counts.metric = marked_clock_counts.metric
    AND clock_counts.dimension = marked_clock_counts.dimension
    AND clock_counts.dimension_value = marked_clock_counts.dimension_value
)
SELECT
  source,
  policy,
  metric,
  is_source_promise,
  dimension,
  dimension_value,
  CAST(clocks AS BIGINT) AS clocks,
  CAST(met_clocks AS BIGINT) AS met_clocks,
  CAST(breached_clocks AS BIGINT) AS breached_clocks,
  CAST(open_breached_clocks AS BIGINT) AS open_breached_clocks,
  CAST(running_clocks - open_breached_clocks AS BIGINT) AS running_clocks,
  CAST(unknown_clocks AS BIGINT) AS unknown_clocks,
  CAST(incomplete_clocks AS BIGINT) AS incomplete_clocks,
  CAST(CAST(100.0 * met_clocks AS DOUBLE) / CAST(NULLIF(met_clocks + breached_clocks + open_breached_clocks, 0) AS DOUBLE) AS DOUBLE) AS attainment_pct,
  CAST(CAST(CAST(late_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) / CAST(NULLIF(breached_clocks, 0) AS DOUBLE) AS DOUBLE) AS late_avg_business_minutes
FROM all_clock_counts
