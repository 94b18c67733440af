"""Tables of the raw layer: what the sources hold, as it was found.

Belongs here: raw tables. Does not belong here: anything computed from them.
"""

from opsla_dagster.catalog.model import Kind, Rule
from opsla_dagster.catalog.table import table

RAW = [
    table(
        "raw.cases", Kind.PARTITIONED, "One row per case.",
        "Cases as the enabled sources hold them, as of the run's instant.",
        key="case_id",
        columns="""source case_id intake_date intake_ts tier case_type priority category team agent
                   brand region channel customer tags merged_into initiated_by
                   source_resolved_ts source_closed_ts source_is_sla_met""",
    ),
    table(
        "raw.events_log", Kind.PARTITIONED, "One row per event of a case, duplicates included.",
        "Events as the enabled sources hold them, under the intake date of their case; nothing is corrected.",
        key="event_id",
        columns="""source event_id case_id intake_date status source_status event_ts ingestion_ts source_sequence
                   is_reopen is_duplicate is_late_arriving is_tz_inconsistent team agent""",
    ),
    table(
        "raw.messages", Kind.PARTITIONED, "One row per message of a case.",
        "What was said and by whom: public replies and customer messages start and stop clocks, private notes never do by themselves.",
        key="message_id",
        columns="source message_id case_id intake_date sent_ts source_sequence signal author_kind agent",
    ),
    table(
        "raw.attribute_changes", Kind.PARTITIONED, "One row per change of an attribute of a case.",
        "What a case was before: policies are chosen by what it was at the time.",
        key="change_id",
        columns="source change_id case_id intake_date changed_ts source_sequence attribute value previous_value",
    ),
    table(
        "raw.applied_targets", Kind.PARTITIONED, "One row per promise that the source itself applied to a case.",
        "The source's own policies, as it applied them; empty for sources that have none.",
        key="applied_id",
        columns="""source applied_id case_id intake_date applied_ts source_sequence metric policy calendar target_seconds reopen
                   is_on_case_schedule schedule_change""",
        nullable="target_seconds",
    ),
    table(
        "raw.source_verdicts", Kind.PARTITIONED, "One row per verdict of the source itself.",
        "What the source says of its promises, to stand beside ours; empty for sources that judge nothing.",
        key="verdict_id",
        columns="source verdict_id case_id intake_date metric cycle is_breached breached_ts elapsed_seconds",
        nullable="cycle elapsed_seconds",
    ),
    table(
        "raw.source_facts", Kind.PARTITIONED, "One row per case and fact that the source itself tells of it.",
        "Ratings, whether a bot took part and resolved, seconds of handling, who took part: what a source knows of a case and no clock asks for.",
        key="case_id fact",
        columns="source case_id intake_date known_ts fact value_text value_number",
    ),
    table(
        "raw.source_partitions", Kind.PARTITIONED, "One row per source and intake date loaded, those without cases included.",
        "What each partition was loaded from, and as of when; a warehouse holds one fingerprint per source.",
        key="source intake_date",
        columns="source intake_date fingerprint as_of_at cases events digest",
    ),
    table(
        "raw.rejected_rows", Kind.SNAPSHOT, "One row per record of a source that could not be used.",
        "Nothing is lost: every rejected record with its reason and the record itself.",
        key="source file row_number field",
        columns="source file row_number case_id field reason record source_rows",
        nullable="case_id",
    ),
    table(
        "raw.calendar_dim", Kind.PARTITIONED, "One row per calendar and local date.",
        "Business days, weekends and holidays of every calendar of calendars.yml.",
        key="calendar calendar_date",
        columns="""calendar calendar_date iso_weekday is_weekend is_holiday holiday_name is_business_day open_seconds
                   business_day_number""",
        partition_column="calendar_date",
    ),
    table(
        "raw.staffing_schedule", Kind.PARTITIONED, "One row per source, local date and shift.",
        "Agents planned and available; empty for sources that know none.",
        key="source staff_date shift",
        columns="source staff_date shift planned_heads shrinkage_rate effective_heads",
        partition_column="staff_date",
        rules=(Rule("effective_heads", "<=", "planned_heads"),),
    ),
]
