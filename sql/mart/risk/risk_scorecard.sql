-- One row is the predictions of one instant for the clocks of one metric, scored by what is known now.
-- Scored is what was within its target and uncertain when it was predicted, once it is past its target (broken, though it may still run) or
-- has stopped. A clock that ended otherwise than by its stop is judged by nobody, and void. Called: a probability of 50 % or more.
-- Shares and errors are told once 95 % are decided: those that ended first are mostly kept ones, and the others would be judged by them.
-- Missed: broken without having been called. Unseen: broken before the next prediction by a clock that started after this one
-- (docs/decisions/0043-breach-risk.md).
with predictions as (
    select
        predicted_date,
        predicted_at,
        case_id,
        intake_date,
        policy,
        metric,
        cycle,
        breach_probability
    from mart.risk_predictions
    where probability_source in ('model', 'baseline')
),

prediction_instants as (
    select
        predictions.predicted_date,
        predictions.predicted_at,
        desk_now.now_at
    from (
        select distinct
            predicted_date,
            predicted_at
        from mart.risk_predictions
    ) as predictions
    cross join mart.desk_now as desk_now
),

prediction_periods as (
    select
        predicted_date,
        predicted_at,
        coalesce(lead(predicted_at) over (order by predicted_at), now_at) as next_at
    from prediction_instants
),

outcomes as (
    select
        predictions.predicted_at,
        predictions.metric,
        predictions.breach_probability,
        case
            when open_now.case_id is not null and open_now.is_past_target then 'broken'
            when open_now.case_id is not null then 'pending'
            when clocks.stopped_at <= desk_now.now_at and clocks.outcome = 'breached' then 'broken'
            when clocks.stopped_at <= desk_now.now_at and clocks.outcome = 'met' then 'kept'
            when clocks.case_id is null or clocks.outcome = 'unknown' then 'void'
            else 'pending'
        end as result
    from predictions
    cross join mart.desk_now as desk_now
    left join mart.clock_now as open_now
        on
            predictions.case_id = open_now.case_id
            and predictions.policy = open_now.policy
            and predictions.metric = open_now.metric
            and predictions.cycle = open_now.cycle
    left join staging.sla_clocks as clocks
        on
            predictions.case_id = clocks.case_id
            and predictions.intake_date = clocks.intake_date
            and predictions.policy = clocks.policy
            and predictions.metric = clocks.metric
            and predictions.cycle = clocks.cycle
),

-- Sums of decimals: those of doubles would differ in the last digit from one run to the next.
scores as (
    select
        predicted_at,
        metric,
        count(*) as predictions,
        count(*) filter (where result in ('broken', 'kept')) as scored_predictions,
        count(*) filter (where result = 'pending') as pending_predictions,
        count(*) filter (where result = 'void') as void_predictions,
        count(*) filter (where result = 'broken') as breached_predictions,
        count(*) filter (where result in ('broken', 'kept') and breach_probability >= 0.5) as called_predictions,
        count(*) filter (where result = 'broken' and breach_probability >= 0.5) as caught_predictions,
        count(*) filter (where result = 'broken' and breach_probability < 0.5) as missed_predictions,
        sum(case when result in ('broken', 'kept') then cast(breach_probability as decimal(28, 12)) end) as expected_breaches,
        sum(
            case
                when result = 'broken' then cast((1 - breach_probability) * (1 - breach_probability) as decimal(28, 12))
                when result = 'kept' then cast(breach_probability * breach_probability as decimal(28, 12))
            end
        ) as squared_errors
    from outcomes
    group by predicted_at, metric
),

decided_scores as (
    select
        predicted_at,
        metric,
        100.0 * scored_predictions / nullif(scored_predictions + pending_predictions, 0) as decided_pct,
        coalesce(100 * scored_predictions >= 95 * (scored_predictions + pending_predictions), false) as is_decided
    from scores
),

-- Few clocks break, and only those from the first prediction on are looked at.
late_breaches as (
    select
        clocks.metric,
        clocks.started_at,
        clocks.due_at
    from staging.sla_clocks as clocks
    cross join (select min(predicted_at) as first_at from mart.risk_predictions) as bounds
    cross join mart.desk_now as desk_now
    where
        clocks.started_at > bounds.first_at
        and clocks.due_at < desk_now.now_at
        and clocks.outcome = 'breached'
),

unseen_breaches as (
    select
        periods.predicted_at,
        breaches.metric,
        count(*) as unseen_breached_clocks
    from prediction_periods as periods
    inner join late_breaches as breaches
        on breaches.started_at > periods.predicted_at and breaches.due_at > periods.predicted_at and breaches.due_at <= periods.next_at
    group by periods.predicted_at, breaches.metric
)

select
    periods.predicted_date,
    periods.predicted_at,
    scores.metric,
    cast(scores.predictions as bigint) as predictions,
    cast(scores.scored_predictions as bigint) as scored_predictions,
    cast(scores.pending_predictions as bigint) as pending_predictions,
    cast(scores.void_predictions as bigint) as void_predictions,
    cast(decided_scores.decided_pct as double) as decided_pct,
    decided_scores.is_decided,
    cast(scores.breached_predictions as bigint) as breached_predictions,
    cast(scores.called_predictions as bigint) as called_predictions,
    cast(scores.caught_predictions as bigint) as caught_predictions,
    cast(scores.missed_predictions as bigint) as missed_predictions,
    cast(coalesce(unseen_breaches.unseen_breached_clocks, 0) as bigint) as unseen_breached_clocks,
    cast(case when decided_scores.is_decided then 100.0 * scores.caught_predictions / nullif(scores.called_predictions, 0) end as double) as precision_pct,
    cast(case when decided_scores.is_decided then 100.0 * scores.caught_predictions / nullif(scores.breached_predictions, 0) end as double) as recall_pct,
    cast(
        case when decided_scores.is_decided then 100.0 * cast(scores.expected_breaches as double) / nullif(scores.scored_predictions, 0) end as double
    ) as predicted_breach_pct,
    cast(case when decided_scores.is_decided then 100.0 * scores.breached_predictions / nullif(scores.scored_predictions, 0) end as double) as happened_pct,
    cast(case when decided_scores.is_decided then cast(scores.squared_errors as double) / nullif(scores.scored_predictions, 0) end as double) as brier
from scores
inner join decided_scores on scores.predicted_at = decided_scores.predicted_at and scores.metric = decided_scores.metric
inner join prediction_periods as periods on scores.predicted_at = periods.predicted_at
left join unseen_breaches on scores.predicted_at = unseen_breaches.predicted_at and scores.metric = unseen_breaches.metric
