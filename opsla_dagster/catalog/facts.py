"""The area `facts`. What else there is to tell of a case and of an agent: replies, stations, waits, measured times.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/facts/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, local_date, measure, stretch, text
from opsla_dagster.catalog.model import Kind
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # facts of a case
    text("dimensions", "Values of the dimensions that sources.yml names, `product=x; plan=y`, by name", nullable=True),
    count("public_reply_count", "Public replies of persons; NULL: the source tells no messages", nullable=True),
    count("bot_reply_count", "Public replies of bots; NULL: the source tells no messages", nullable=True),
    count("customer_message_count", "Messages of the customer; NULL: the source tells no messages", nullable=True),
    count("private_note_count", "Notes that the customer does not see; NULL: the source tells no messages", nullable=True),
    flag("is_one_touch", "Ended, not cancelled, with at most one public reply of a person; NULL: not ended so, or without any message", nullable=True),
    count("agent_station_count", "Different agents who held the case"),
    count("handoff_count", "How often the case went from one agent or team to another; the first of each is none, nor is nobody in between"),
    instant("first_reply_at", "The first public reply of a person, as first_reply counts it"),
    text("first_reply_agent", "Who gave it", nullable=True),
    local_date("first_reply_month_date", "First day of the local month of the first reply in the desk's zone", nullable=True),
    *stretch("first_reply", "intake to the first public reply of a person; where the desk began, from the customer's first message on"),
    *stretch("first_resolution", "intake to the first RESOLVED or CLOSED"),
    *stretch("full_resolution", "intake to the end of the case; NULL while open, and where it was cancelled"),
    *stretch("agent_wait", "time in CUSTOMER_WAIT, of stretches that have ended: the agent waits"),
    *stretch("requester_wait", "time in neither CUSTOMER_WAIT nor an end, of stretches that have ended: the customer waits"),
    *stretch("on_hold", "time in ON_HOLD and VENDOR_WAIT, of stretches that have ended; also in requester_wait"),
    measure("rating_number", "Rating on the source's own scale (Intercom: 1-5); NULL: not rated, or rated in words"),
    text("rating_word", "Rating as a word (Zendesk: good, bad)", nullable=True),
    text("rating_verdict", "Rating in words that all sources share; Intercom's 4 and 5 are good, its 3 is neutral; NULL: not rated", nullable=True,
          values=("good", "neutral", "bad")),
    flag("is_rating_offered", "The customer was asked for a rating; NULL: the source does not tell", nullable=True),
    flag("is_bot_resolved", "The bot resolved it, by the source; NULL: it does not tell", nullable=True),
    measure("bot_rating_number", "Rating of the bot on the source's own scale"),
    measure("handling_calendar_minutes", "Minutes of handling that the source counted"),
    text("sla_name", "Name of the SLA that the source applied", nullable=True),
    count("source_reply_count", "Replies that the source counted", nullable=True),
    count("source_reopen_count", "Reopens that the source counted", nullable=True),
    count("source_agent_station_count", "Agents that the source counted", nullable=True),
    count("source_team_station_count", "Teams that the source counted", nullable=True),
    *[
        measure(f"source_{stretch}_{hours}_minutes", f"{stretch.replace('_', ' ')} as the source measured it, {told}", at_least=None)
        for stretch in ("first_reply", "first_resolution", "full_resolution", "agent_wait", "requester_wait", "on_hold")
        for hours, told in (("calendar", "minutes"), ("business", "minutes of the source's own schedule"))
    ],
    # what agents did
    count("taken_cases", "Cases that the agent came to hold in the month"),
    count("reopened_after_cases", "Of resolved_cases, those reopened later on"),
    count("first_replied_cases", "Cases that the agent was the first to answer"),
    measure("first_reply_p50_business_minutes", "Exact p50 of their first replies, business minutes of the desk's calendar"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "facts",
    "What else there is to tell of a case and of an agent: replies, stations, waits, measured times.",
    [
        table(
            "staging.first_replies", Kind.VIEW, "One row per case that a person has answered.",
            "When, who, and how long it took; where the desk began, from the customer's first message on.",
            key="case_id",
            columns="source case_id intake_date first_reply_at first_reply_agent first_reply_calendar_minutes first_reply_business_minutes",
        ),
        table(
            "staging.case_source_facts", Kind.VIEW, "One row per case of which its source tells something that no clock asks for.",
            "raw.source_facts with a column a fact: ratings, bots, handling, and what the source counted itself, to stand beside mart.case_facts.",
            key="case_id",
            columns="""source case_id intake_date rating_number rating_word rating_verdict is_rating_offered is_bot_involved is_bot_resolved
                       bot_rating_number handling_calendar_minutes sla_name source_reply_count source_reopen_count
                       source_agent_station_count source_team_station_count
                       source_first_reply_calendar_minutes source_first_reply_business_minutes
                       source_first_resolution_calendar_minutes source_first_resolution_business_minutes
                       source_full_resolution_calendar_minutes source_full_resolution_business_minutes
                       source_agent_wait_calendar_minutes source_agent_wait_business_minutes
                       source_requester_wait_calendar_minutes source_requester_wait_business_minutes
                       source_on_hold_calendar_minutes source_on_hold_business_minutes""",
        ),
        table(
            "staging.case_facts", Kind.PARTITIONED, "One row per case.",
            "What was said, who held it, how long each side waited, how it ended and how it was rated, written with its date; a message count is 0 "
            "where the source tells no messages.",
            key="case_id",
            columns="""source case_id intake_date intake_ts priority tier case_type team agent brand region channel customer dimensions
                       initiated_by merged_into is_open is_cancelled public_reply_count bot_reply_count customer_message_count
                       private_note_count is_one_touch reopen_count agent_station_count team_station_count handoff_count first_reply_at first_reply_agent
                       first_reply_month_date first_reply_calendar_minutes first_reply_business_minutes
                       first_resolution_calendar_minutes first_resolution_business_minutes
                       full_resolution_calendar_minutes full_resolution_business_minutes
                       agent_wait_calendar_minutes agent_wait_business_minutes
                       requester_wait_calendar_minutes requester_wait_business_minutes
                       on_hold_calendar_minutes on_hold_business_minutes
                       rating_number rating_word rating_verdict is_bot_involved is_bot_resolved handling_calendar_minutes sla_name""",
        ),
        table(
            "staging.agent_activity", Kind.PARTITIONED, "One row per intake date, source, local month and agent who did something in it.",
            "What each agent answered, took and resolved in the month, of the cases taken in on the date; mart.agent_activity adds it up.",
            key="intake_date source month_date agent",
            columns="""intake_date source month_date agent public_reply_count private_note_count taken_cases resolved_cases
                       reopened_after_cases""",
        ),
        table(
            "mart.case_facts", Kind.VIEW, "One row per case.",
            "What was said, who held it, how long each side waited, how it ended and how it was rated. Not published, for it is as long as the "
            "desk's history: opsla export --table mart.case_facts writes it.",
            key="case_id",
            columns="""source case_id intake_date intake_ts priority tier case_type team agent brand region channel customer dimensions
                       initiated_by merged_into is_open is_cancelled public_reply_count bot_reply_count customer_message_count
                       private_note_count is_one_touch reopen_count agent_station_count team_station_count handoff_count first_reply_at first_reply_agent
                       first_reply_calendar_minutes first_reply_business_minutes
                       first_resolution_calendar_minutes first_resolution_business_minutes
                       full_resolution_calendar_minutes full_resolution_business_minutes
                       agent_wait_calendar_minutes agent_wait_business_minutes
                       requester_wait_calendar_minutes requester_wait_business_minutes
                       on_hold_calendar_minutes on_hold_business_minutes
                       rating_number rating_word rating_verdict is_bot_involved is_bot_resolved handling_calendar_minutes sla_name""",
            is_published=False,
        ),
        table(
            "mart.agent_activity", Kind.FULL_REFRESH, "One row per source, local month and agent who did something in it.",
            "What each agent answered, took and resolved. Figures of single persons are not published: opsla agents shows them, and "
            "opsla export --table mart.agent_activity writes them.",
            key="source month_date agent",
            columns="""source month_date agent public_reply_count private_note_count taken_cases resolved_cases reopened_after_cases
                       first_replied_cases first_reply_p50_business_minutes""",
            is_published=False,
        ),
    ],
)
