"""The area `risk`. What is about to break: features as known at an instant, breach probabilities and remaining times, and how good they were.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/risk/, risk_model/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, local_date, measure, pct, text
from opsla_dagster.catalog.columns import STATUSES
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with

#: What a probability rests on.
PROBABILITY_SOURCES = ("model", "baseline", "certain", "unknown")


def _share(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, "DOUBLE", description + ", 0-1", nullable=nullable, at_least=0, at_most=1)


def _part(name: str, words: str) -> list[Column]:
    """What mart.risk_model_card tells of one part of the closed clocks."""
    return [
        count(f"{name}_clocks", f"Clocks with a known outcome, stopped or past their target, that {words}"),
        pct(f"{name}_breach_pct", f"Of them, those that broke their promise; of looked-at clocks, each once; {name}"),
        instant(f"{name}_from_at", f"When the outcome of a clock that {words} became known, by its stop or by falling due: the first"),
        instant(f"{name}_to_at", f"When the outcome of a clock that {words} became known, by its stop or by falling due: the last"),
    ]


def _scores(name: str, words: str) -> list[Column]:
    return [
        _share(f"{name}_auc", f"How often a test clock that broke was given more than one that was kept, ties half, by {words}; 0.5: no better than chance"),
        _share(f"{name}_brier", f"Mean squared difference between the probability of {words} and what happened, over the test predictions; 0 is perfect"),
    ]


COLUMNS = [
    # queues as known
    text("queue_name", "Team or group; none: nobody"),
    local_date("counted_from_date", "Local date from which on it counts: that on which it happened, or a day after it was received where that was later"),
    # what is asked
    instant("predicted_at", "The instant of the prediction; what was known just before it counts", nullable=False),
    local_date("predicted_date", "Local date of predicted_at"),
    flag("is_received", "Every event of the case by then had been received; messages and changes of attributes have no instant of receipt and count as received when they happened"),
    flag("is_promise_in_force", "The promise with this target was in force then"),
    flag("is_calendar_open", "The clock's calendar was open; NULL outside its horizon", nullable=True),
    Column("target_used_share", "DOUBLE", "elapsed_seconds of target_seconds; 1: all of it; NULL: unknown", nullable=True, at_least=0),
    measure("due_in_calendar_minutes", "Minutes until due_at; negative: past it; NULL: unknown", at_least=None),
    measure("known_age_calendar_minutes", "Minutes since intake", at_least=None),
    text("known_status", "The latest status of the case by then", nullable=True, values=STATUSES),
    text("previous_status", "The status before the latest; NULL: there was none", nullable=True, values=STATUSES),
    measure("unchanged_calendar_minutes", "Minutes since the latest status"),
    count("known_events", "Events of the case by then"),
    count("known_reopen_count", "Reopens of the case by then"),
    count("known_handoff_count", "Changes of queue by then"),
    count("known_message_count", "Messages of the customer by then"),
    count("known_reply_count", "Public replies by then"),
    measure("known_stint_calendar_minutes", "Minutes since the present queue and agent got the case, or it was reopened"),
    Column("weekday_number", "BIGINT", "Weekday of the desk's date: 1 Monday to 7 Sunday; NULL outside the horizon", nullable=True, at_least=1, at_most=7),
    measure("since_midnight_calendar_minutes", "Minutes since the desk's midnight"),
    count("queue_open_cases", "Cases open in the queue at the end of the date before, as known then", nullable=True, at_least=None),
    measure("usual_queue_open_cases", "Mean of that on the same weekday of the four weeks before; NULL: there are not so many, or dates of them are not loaded", at_least=None),
    measure("queue_gone_cases_per_day", "Cases that left the queue on a date, mean of the 28 dates before; NULL: there are not so many, or some are not loaded"),
    # what is predicted
    _share("breach_probability", "Probability that the clock will have run beyond its target when it stops; NULL: unknown, reason_1 says why"),
    text("probability_source", "What breach_probability rests on: model; baseline, the share of like clocks that broke at this share of their target; "
         "certain, it is past its target; unknown", values=PROBABILITY_SOURCES),
    measure("remaining_p10_business_minutes", "Open minutes of its calendar, waits included, until the clock stops: one clock in ten is faster; NULL: unknown"),
    measure("remaining_p50_business_minutes", "Open minutes of its calendar, waits included, until the clock stops: every other clock is faster; NULL: unknown"),
    measure("remaining_p90_business_minutes", "Open minutes of its calendar, waits included, until the clock stops: nine clocks in ten are faster; NULL: unknown"),
    text("reason_1", "The strongest reason, in words"),
    text("reason_2", "The second strongest reason; NULL: there is none", nullable=True),
    text("reason_3", "The third strongest reason; NULL: there is none", nullable=True),
    # models
    text("risk_model", "Identity of the model: changes when what it is made of, up to `cut_at`, its parameters or its code do"),
    text("data_fingerprint", "Changes when the closed clocks do that the model is made of"),
    text("code_fingerprint", "Changes when features, parameters, promises or calendars do"),
    instant("cut_at", "What had stopped or fallen due before it, as was known then, made the model: the start of a week", nullable=False),
    text("content", "The model: trees, corrections, baselines, as JSON"),
    text("served", "What serves: model; baseline; unknown, too little is known even for that", values=("model", "baseline", "unknown")),
    text("served_reason", "Why it serves"),
    *_part("training", "the trees are made of"),
    *_part("calibration", "the trees' answers were corrected by before the test"),
    *_part("test", "tested the model: the latest ones, which trees and corrections had not seen"),
    count("test_predictions", "Looks at clocks within their target that tested the model; a clock is looked at several times"),
    *_scores("model", "the model"),
    *_scores("priority", "the priority alone, a baseline"),
    *_scores("target_used", "the share of the target used alone, a baseline"),
    pct("interval_coverage_pct", "Test clocks whose remaining time lay within p10 and p90; 80 is meant"),
    measure("remaining_error_business_minutes", "Mean absolute error of p50 over the test"),
    measure("baseline_remaining_error_business_minutes", "The same of the median of clocks with like shares of their target used"),
    Column("drift_points", "DOUBLE", "calibration_breach_pct less training_breach_pct: what the correction had to make up for", nullable=True),
    Column("probability_decile", "BIGINT", "Tenth of the probability: 1, below 10 %, to 10", at_least=1, at_most=10),
    count("predictions", "Predictions counted in the row"),
    pct("predicted_breach_pct", "Mean of what was predicted"),
    pct("happened_pct", "Of the scored predictions, those whose clock broke"),
    # yesterday's predictions
    count("scored_predictions", "Predictions of clocks within their target whose outcome is known by now"),
    count("pending_predictions", "Predictions whose outcome is not known yet: the clock has neither stopped nor run beyond its target"),
    pct("decided_pct", "scored_predictions of those that are scored or pending"),
    flag("is_decided", "decided_pct is 95 or more. Before that mostly those are scored that ended first, so that shares and errors are not told"),
    count("void_predictions", "Predictions of clocks that nobody judges any more: cancelled, merged, withdrawn, or ended otherwise"),
    count("breached_predictions", "Of scored_predictions, those whose clock broke"),
    count("called_predictions", "Of scored_predictions, those with a breach probability of 50 % or more"),
    count("caught_predictions", "Of called_predictions, those whose clock broke"),
    count("missed_predictions", "Breaches that nobody predicted: the clock was open, its probability below 50 %, and it broke"),
    count("unseen_breached_clocks", "Breaches that nobody could have predicted then: clocks that started after the prediction and broke before the next one"),
    pct("precision_pct", "caught_predictions of called_predictions; NULL until is_decided"),
    pct("recall_pct", "caught_predictions of breached_predictions; NULL until is_decided"),
    _share("brier", "Mean squared difference between what was predicted and what happened; 0 is perfect; NULL until is_decided"),
]

table = tables_with(COLUMNS)

_CLOCK = "source case_id intake_date policy metric cycle"
_PREDICTION = """breach_probability probability_source remaining_p10_business_minutes remaining_p50_business_minutes remaining_p90_business_minutes
    reason_1 reason_2 reason_3"""
_PARTS = " ".join(f"{part}_{what}" for part in ("training", "calibration", "test") for what in ("clocks", "breach_pct", "from_at", "to_at"))
_SCORES = " ".join(f"{name}_{what}" for name in ("model", "priority", "target_used") for what in ("auc", "brier"))

AREA = Area(
    "risk",
    "What is about to break: the probability of each open clock, how much longer it runs, why, and how good yesterday's predictions were.",
    [
        table(
            "staging.queue_movements", Kind.PARTITIONED, "One row per intake date, queue and date from which on it counts.",
            "Cases that came into each queue and left it, by the date from which on that was known: what was open in a queue as known on a date.",
            key="intake_date queue_name counted_from_date",
            columns="intake_date queue_name counted_from_date arrived_cases gone_cases",
        ),
        table(
            "staging.final_attributes", Kind.FULL_REFRESH, "One row per source and attribute of which it tells no changes.",
            "sources.yml: where a log has one row a case, its attributes are what they were at the end, unless an audit log beside it tells their changes. They "
            "are no features of a prediction.",
            key="source attribute",
            columns="source attribute",
        ),
        table(
            "mart.risk_instants", Kind.VIEW, "One row per clock that is open now.",
            "Which clocks mart.risk_features is about, and at which instant: a parameter, in whose place training puts clocks of the past.",
            key="case_id policy metric cycle predicted_at",
            columns="case_id intake_date policy metric cycle predicted_at",
            is_published=False,
        ),
        table(
            "mart.risk_features", Kind.FULL_REFRESH, "One row per clock that is open now, and instant.",
            "What was known of the clock, its case and its queue just before the instant: all that a prediction may rest on. The same SELECT makes the rows "
            "that models are made of.",
            key="case_id policy metric cycle predicted_at",
            columns=f"""{_CLOCK} predicted_at is_received is_promise_in_force calendar is_paused is_calendar_open elapsed_seconds target_seconds
                        target_used_share remaining_seconds due_at due_in_calendar_minutes known_age_calendar_minutes known_status previous_status
                        unchanged_calendar_minutes known_events known_reopen_count known_handoff_count known_message_count known_reply_count waits_for
                        known_stint_calendar_minutes team agent priority tier case_type channel region brand weekday_number
                        since_midnight_calendar_minutes queue_open_cases usual_queue_open_cases queue_gone_cases_per_day""",
            nullable="remaining_seconds unchanged_calendar_minutes",
        ),
        table(
            "ops.risk_models", Kind.FULL_REFRESH, "One row per metric.",
            "The model of each metric. Made anew when a week has begun and its data have changed, or when what it is made by has.",
            key="metric",
            columns="metric risk_model cut_at data_fingerprint code_fingerprint content",
            is_published=False,
        ),
        table(
            "mart.open_case_risk", Kind.FULL_REFRESH, "One row per clock that is open now.",
            "The probability that each open clock breaks, how much longer it runs, and the three strongest reasons: of every clock of mart.clock_now, "
            "at its instant.",
            key="case_id policy metric cycle",
            columns=f"predicted_at {_CLOCK} {_PREDICTION} made_from",
        ),
        table(
            "mart.risk_model_card", Kind.FULL_REFRESH, "One row per metric.",
            "What each model is made of, how it did on the latest closed clocks beside two baselines, and whether it serves.",
            key="metric",
            columns=f"""metric risk_model cut_at served served_reason {_PARTS} drift_points test_predictions {_SCORES} interval_coverage_pct
                        remaining_error_business_minutes baseline_remaining_error_business_minutes data_fingerprint code_fingerprint made_from""",
        ),
        table(
            "mart.risk_calibration", Kind.FULL_REFRESH, "One row per metric and tenth of the probability.",
            "What was predicted and what happened, on the test clocks of mart.risk_model_card.",
            key="metric probability_decile",
            columns="metric probability_decile predictions predicted_breach_pct happened_pct made_from",
        ),
        table(
            "mart.risk_predictions", Kind.KEPT, "One row per open clock and local date on which it was predicted.",
            "What was predicted, as it was told: the first predictions of a local date stand. Nothing can make them anew, so neither a run nor an upgrade "
            "touches them.",
            key="case_id policy metric cycle predicted_date",
            columns=f"predicted_date predicted_at {_CLOCK} risk_model breach_probability probability_source remaining_p10_business_minutes "
            "remaining_p50_business_minutes remaining_p90_business_minutes",
            partition_column="predicted_date",
            nullable="risk_model",
            is_published=False,
        ),
        table(
            "mart.risk_scorecard", Kind.FULL_REFRESH, "One row per prediction of the open clocks, and metric.",
            "What was predicted on each date, scored by what is known now; shares and errors once 95 % of it is decided.",
            key="predicted_at metric",
            columns="""predicted_date predicted_at metric predictions scored_predictions pending_predictions void_predictions decided_pct is_decided breached_predictions
                       called_predictions caught_predictions missed_predictions unseen_breached_clocks precision_pct recall_pct predicted_breach_pct happened_pct brier""",
        ),
    ],
)
