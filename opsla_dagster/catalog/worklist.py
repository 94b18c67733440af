"""The area `worklist`. Which ticket is next in each queue, why, and whether that was followed.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/worklist/, worklist/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, measure, text
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with
from opsla_dagster.queueing.orders import PICKING_POLICIES, WORKED_ORDERS

#: What an estimate of work rests on.
WORK_SOURCES = ("handling told by the source", "pace of the queue", "unknown")
#: What came of a ticket that was shown, or was worked on instead of one that was.
FOLLOWED = ("followed", "passed over", "worked on instead")
OUTCOMES = ("met", "breached", "running", "unknown", "nothing to keep")


def _probability(name: str, description: str) -> Column:
    return Column(name, "DOUBLE", description + ", 0-1", nullable=True, at_least=0, at_most=1)


COLUMNS = [
    # what a queue does
    count("pace_days", "Business days that the pace is of: the last 10 before today on which the queue had work (mart.pace_days)"),
    measure("pace_business_minutes", "Open minutes of the desk in the pace days"),
    count("done_cases", "Cases that ever left the queue, by now"),
    count("agents", "Different agents who did something there in the pace days"),
    measure("working_heads", "Agents at work there on those of the pace days on which anybody is anywhere, on average; who works for several queues counts by share; NULL: no agent is told"),
    Column("simulated_heads", "BIGINT", "working_heads as whole heads, at least 1: so many work at once in a simulation", at_least=1),
    measure("busy_heads", "Heads at work in an open hour of the pace days, on average: no more than there were cases that waited for us at its start and end; NULL: no hour is known"),
    measure("stay_mean_business_minutes", "Open minutes for which a case that left in the pace days had waited for us there, on average; NULL: none left"),
    measure("pace_work_business_minutes", "Estimate of what a case takes there, in open minutes of one head: busy heads x open time / cases that left, on closed dates too, and no more than it waited for us there; NULL: none left"),
    count("handled_cases", "Ended cases of the last 90 days whose handling the source counted"),
    measure("handling_mean_calendar_minutes", "Mean of the handling that the source counted, minutes of a whole case; NULL: it counts none"),
    # what follows
    count("after_clocks", "Clocks of cases that had been in the queue, which stopped in the last 5 business days"),
    measure("after_p50_business_minutes", "Exact p50 of the open time of the desk from leaving the queue until the clock stopped; 0 where the queue stopped it"),
    measure("after_p90_business_minutes", "Exact p90 of the same"),
    # who came
    Column("window_number", "BIGINT", "1: the last five business days before today; 2: the five before them, for queues to which few cases came in the last five", at_least=1),
    Column("visit_number", "BIGINT", "Which of the case's visits, counted over what is looked at", at_least=0),
    count("window_business_seconds", "Open seconds of the desk in the window"),
    flag("is_there_at_start", "The case was in the queue and waited for us as the window began"),
    instant("stint_started_at", "Since when its present queue and agent hold the open case without a break", nullable=False),
    count("came_business_seconds", "Open seconds of the desk from the window's start until the case first waited for us there"),
    count("due_business_seconds", "Open seconds from the window's start until the clock that decided then was due, negative before it; NULL: no clock ran", nullable=True, at_least=None),
    count("stopped_business_seconds", "Open seconds from the window's start until that clock stopped; NULL: it runs, or no clock ran", nullable=True),
    flag("is_due_breached", "That clock was breached, by now; NULL: no clock ran", nullable=True),
    # what can be worked on
    text("due_policy", "Policy of the clock that says when the case is due; NULL: it has no open clock", nullable=True),
    text("due_metric", "Metric of the clock that says when the case is due; NULL: it has no open clock", nullable=True),
    count("due_cycle", "Cycle of the clock that says when the case is due; NULL: it has no open clock", nullable=True),
    count("due_in_business_seconds", "Open seconds of the desk from now until the case is due, negative past due; NULL: no running clock", nullable=True, at_least=None),
    # which policy
    count("workable_cases", "Open cases of the queue that wait for us, or of which nobody knows whom they wait for"),
    text("picking_policy", "Who goes first in the queue", values=PICKING_POLICIES),
    text("picking_policy_reason", "Why that policy is in force"),
    count("past_due_cases", "Cases that fell due in the replayed days with the queue, not past due when they came; NULL: nothing was replayed", nullable=True),
    count("past_breached_cases", "Of past_due_cases, those that were breached", nullable=True),
    measure("replayed_breached_cases", "Of past_due_cases, how many are breached when those days are replayed with the queue's heads and pace, on average"),
    count("replayed_days", "Business days that were replayed: the last 10 before today, or the last 5 where many cases came in them; NULL: nothing was", nullable=True),
    Column("replayed_order", "VARCHAR", "The order in which the replay takes cases: the first of these that is believed, else the one nearest to what happened; NULL: nothing was replayed", nullable=True, values=WORKED_ORDERS),
    measure("replay_difference_points", "Mean absolute difference of the daily shares breached, replayed and real, in points; NULL: nothing was replayed"),
    measure("replay_allowed_difference_points", "What of it is let pass: a fifth of what the objectives let be breached, and three times what replays differ from their own mean by chance"),
    measure("replay_brier", "Brier score of the replay: mean square of simulated probability less what happened, of the cases that came in the replayed days; 0 is best. Chance of few replays is taken off, so it may lie below 0", at_least=None),
    measure("usual_times_brier", "The same of the usual times: the share of these cases that took longer than the case had, whatever the heads did"),
    flag("is_replay_believed", "The replay breaches as often as what happened, within what is let pass, and says who was late no worse than the usual times (or is within what may be breached), so the simulation may choose the policy; NULL: nothing was replayed", nullable=True),
    measure("due_cases", "Simulated: cases, open now or expected, that fall due in the next 5 business days and can still be kept; NULL: nothing was simulated"),
    measure("allowed_breached_cases", "Of due_cases, how many the objectives of their promises let be breached (95 % where there is no objective)"),
    measure("due_date_breached_cases", "Of due_cases, how many are breached by earliest due date"),
    measure("index_breached_cases", "Of due_cases, how many are breached by the guarded index; NULL: it was not needed"),
    measure("due_date_breached_weight", "The weight of those breached by earliest due date, in the futures in which the index was tried; NULL: it was not needed"),
    measure("index_breached_weight", "The weight of those breached by the guarded index; NULL: it was not needed"),
    # who is next
    Column("position_in_queue", "BIGINT", "Place in the order of the queue, 1 is next", at_least=1),
    Column("position_for_agent", "BIGINT", "Place in the order of the agent who holds the case, 1 is next; NULL: nobody holds it", nullable=True, at_least=1),
    text("next_reason", "Why the ticket stands where it does"),
    measure("due_in_business_minutes", "Open minutes of the desk from now until the case is due, negative past due; NULL: no running clock", at_least=None),
    Column("weight", "DOUBLE", "What a breach of the case weighs, by its priority (worklist.yml)", at_least=0),
    measure("work_business_minutes", "Estimate of the minutes that the case takes whoever has it in hand; NULL: unknown"),
    text("work_source", "What work_business_minutes rests on", values=WORK_SOURCES),
    _probability("kept_if_now_probability", "Probability that it is done before it is due if it is begun now, by the spread of the work, and at least 1 - breach_probability of the same clock where that is by the model; NULL: unknown"),
    _probability("kept_if_later_probability", "The same if it is begun one slot later: 8 cases' work, half a business day at most"),
    text("defers_case_id", "The case with the strongest claim to go before it, which waits for it; NULL: it is the last", nullable=True),
    text("defers_reason", "What that claim is; NULL: it is the last", nullable=True),
    # what was shown and done
    instant("shown_at", "The instant for which the order was shown", nullable=False),
    flag("is_of_the_present", "Somebody could have seen the list while it held: it was made within a day of its instant, by a run that is no trial of `opsla init`, and no log had ended; NULL: recorded by a version that did not tell", nullable=True),
    instant("shown_until_at", "The next instant for which an order was shown that somebody could have seen, or now", nullable=False),
    instant("worked_at", "When the case was first worked on after that, by then: its status, holder or queue changed, it ended, or a person replied; NULL: it was not"),
    Column("position_worked", "BIGINT", "Place of the case among those of the queue that were worked on, by worked_at; NULL: it was not", nullable=True, at_least=1),
    text("followed", "followed: among the first shown and among the first worked on; passed over: shown, others went first; worked on instead: not among the first shown", values=FOLLOWED),
    flag("is_followed", "Shown, and worked on among as many as were shown; NULL: not shown", nullable=True),
    text("outcome_by_now", "What became of its clocks that ran at the instant and were not past due: breached where one of them is", values=OUTCOMES),
]

table = tables_with(COLUMNS)

_DUE = "due_policy due_metric due_cycle"

AREA = Area(
    "worklist",
    "Which ticket is next in each queue, why, whom that defers, and whether it was followed.",
    [
        table(
            "mart.queue_work", Kind.FULL_REFRESH, "One row per queue.",
            "What left, who worked on it and what a case takes there, by the last 10 business days: estimates, for no log says what a case takes.",
            key="queue",
            columns="""now_at queue pace_days pace_business_minutes gone_cases done_cases agents working_heads simulated_heads busy_heads
                       stay_mean_business_minutes pace_work_business_minutes handled_cases handling_mean_calendar_minutes""",
        ),
        table(
            "mart.after_queue_times", Kind.FULL_REFRESH, "One row per queue and metric.",
            "How long it usually takes from when a case leaves the queue until its clock stops: whose clocks others stop has less time than its due date says.",
            key="queue metric",
            columns="now_at queue metric after_clocks after_p50_business_minutes after_p90_business_minutes",
        ),
        table(
            "mart.queue_visits", Kind.FULL_REFRESH, "One row per window of five business days and visit of a case to a queue in it.",
            "How each case came to a queue in the last two windows of five business days, when it was due then and what became of it: what a simulation of the queue is held against.",
            key="window_number case_id visit_number",
            columns="""window_number queue intake_date case_id visit_number priority window_business_seconds is_there_at_start stint_started_at came_business_seconds
                       due_metric target_seconds due_business_seconds stopped_business_seconds is_due_breached objective_pct""",
            nullable="target_seconds objective_pct",
            is_published=False,
        ),
        table(
            "mart.workable_cases", Kind.FULL_REFRESH, "One row per open case that waits for us, or of which nobody knows whom it waits for.",
            "What can be worked on now, with the clock that says when each case is due.",
            key="case_id",
            columns=f"""now_at source case_id intake_date intake_ts queue agent priority waits_for {_DUE} target_seconds due_at due_in_business_seconds
                        objective_pct""",
            nullable="target_seconds due_at objective_pct",
            is_published=False,
        ),
        table(
            "mart.worklist_policies", Kind.FULL_REFRESH, "One row per queue with a case to work on.",
            "By which policy its tickets are put in order, and why: by due date while simulated breaches stay within what the objectives allow, or the simulation does not "
            "reproduce what happened in the queue; else by the guarded index.",
            key="queue",
            columns="""now_at queue workable_cases picking_policy picking_policy_reason past_due_cases past_breached_cases replayed_breached_cases replayed_days replayed_order
                       replay_difference_points replay_allowed_difference_points replay_brier usual_times_brier is_replay_believed
                       due_cases allowed_breached_cases due_date_breached_cases index_breached_cases due_date_breached_weight index_breached_weight made_from""",
        ),
        table(
            "mart.next_best_ticket", Kind.FULL_REFRESH, "One row per open case that waits for us, or of which nobody knows whom it waits for.",
            "The order in which to take them, by queue and by agent: why each stands where it does, and whom that defers.",
            key="case_id",
            columns=f"""now_at source case_id intake_date queue position_in_queue agent position_for_agent priority picking_policy picking_policy_reason
                        next_reason {_DUE} due_at due_in_business_minutes weight work_business_minutes work_source kept_if_now_probability
                        kept_if_later_probability defers_case_id defers_reason""",
            nullable="due_at",
        ),
        table(
            "ops.next_best_shown", Kind.FULL_REFRESH, "One row per instant and case that was among the first of its queue or agent then.",
            "What was shown as next, kept for 90 days: nothing else remembers it. A rerun for the same instant replaces that instant's rows; what somebody could have seen stays so.",
            key="shown_at case_id",
            columns=f"shown_at source case_id intake_date queue position_in_queue agent position_for_agent picking_policy {_DUE} due_at is_of_the_present",
            nullable="due_at",
        ),
        table(
            "mart.next_best_followed", Kind.FULL_REFRESH, "One row per instant and case that was shown among the first of its queue, or worked on instead.",
            "What was done of what was shown while somebody could see it, read from later events, and what became of both. Of an instant as many are looked at as were shown and worked on.",
            key="shown_at case_id",
            columns="""shown_at shown_until_at queue case_id position_in_queue picking_policy worked_at position_worked followed is_followed
                        outcome_by_now""",
            nullable="position_in_queue picking_policy",
        ),
    ],
)
