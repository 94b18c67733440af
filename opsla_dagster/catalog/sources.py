"""The area `sources`. What the sources hold, as it was found, and as of when.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/sources/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, local_date, measure, text
from opsla_dagster.catalog.model import Column, Kind, Rule
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # what else a source tells of a case
    text("applied_id", "The source's own promise as it applied it to the case; unique in the warehouse"),
    instant("applied_ts", "When the source applied its promise", nullable=False),
    flag("is_breached", "The source says that the promise was breached", nullable=True),
    instant("breached_ts", "When it was breached, according to the source"),
    instant("known_ts", "From when on the source told it", nullable=False),
    text("fact", "What the source tells of the case: rating, bot_participated, handling_seconds ..."),
    text("value_text", "The fact as a word or words; NULL where it is a number", nullable=True),
    measure("value_number", "The fact as a number, in the unit of the fact's name (true is 1, false is 0); NULL where it is words", at_least=None),
    # drift of what is loaded from ticket systems
    text("resource", "What the record is of: of a ticket system tickets, conversations ...; of a log the form of its records (updates, cases, changes, links)"),
    text("drift", "How the field is not as it is known", values=("new", "missing", "retyped", "unknown")),
    text("expected_type", "Type that is known of the field", nullable=True),
    text("found_type", "Type that was found; of an unknown word, the word", nullable=True),
    instant("first_seen_at", "When it was seen first", nullable=False),
    # rejected rows
    text("file", "File the row was read from"),
    Column("row_number", "BIGINT", "Number of the record in its file, the first is 1", nullable=True, at_least=1),
    local_date("record_date", "Local date on which the case of the record came in; of a case without any usable record, that of the record's own stamp; NULL where none can be read, and of links", nullable=True),
    text("field", "Canonical field that could not be read"),
    text("record", "The row itself, as JSON"),
    flag("is_clock_relevant", "A clock of the case may rest on what the record told: it is no link, and repeats no record that is used"),
    count("source_rows", "Records of the source and resource, used and rejected: of a log those in all its files"),
    # staffing
    local_date("staff_date", "Local date of the shift"),
    text("shift", "Name of the shift"),
    Column("shrinkage_rate", "DOUBLE", "Share of planned agents not available, 0-1", at_least=0, at_most=1),
    # clocks
    text("actor", "Who changed it; NULL: the source does not tell", nullable=True),
    text("previous_value", "Value of the attribute before the change; NULL: none", nullable=True),
    # loads and refreshes
    text("refresh", "Identity of the refresh that loaded the date; NULL for a run that belongs to none", nullable=True),
    instant("previous_watermark_at", "The source's watermark before this load: as of when all loaded dates had last been looked at; NULL: never"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "sources",
    "What the sources hold, as it was found, and as of when.",
    [
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
            columns="source change_id case_id intake_date changed_ts source_sequence attribute value previous_value actor",
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
            "raw.rejected_rows", Kind.FULL_REFRESH, "One row per record of a source that could not be used.",
            "Nothing is lost: every rejected record with its reason and the record itself.",
            key="source file row_number field",
            columns="source resource file row_number case_id record_date field reason record source_rows is_clock_relevant",
            nullable="case_id",
        ),
        table(
            "raw.source_partitions", Kind.PARTITIONED, "One row per source and intake date loaded, those without cases included.",
            "What each partition was loaded from, and as of when; a warehouse holds one fingerprint per source.",
            key="source intake_date",
            columns="source intake_date cases events digest fingerprint as_of_at refresh previous_watermark_at",
        ),
        table(
            "raw.staffing_schedule", Kind.PARTITIONED, "One row per source, local date and shift.",
            "Agents planned and available; empty for sources that know none.",
            key="source staff_date shift",
            columns="source staff_date shift planned_heads shrinkage_rate effective_heads",
            partition_column="staff_date",
            rules=(Rule("effective_heads", "<=", "planned_heads"),),
        ),
        table(
            "ops.schema_drift", Kind.FULL_REFRESH, "One row per field of a ticket system's records that is not as it is known.",
            "New, missing and retyped fields and unknown words, and since when; the load goes on without them.",
            key="source resource field drift expected_type found_type",
            columns="source resource field drift expected_type found_type first_seen_at",
        ),
        table(
            "ops.source_watermarks", Kind.FULL_REFRESH, "One row per source all of whose loaded dates were looked at.",
            "As of when the latest refresh looked at every loaded date of the source; runs of chosen dates look at those alone.",
            key="source",
            columns="source as_of_at",
        ),
        table(
            "ops.partition_as_of", Kind.VIEW, "One row per source and intake date loaded.",
            "As of when the rows of the date are what the source says: its load, or a refresh since that found it unchanged.",
            key="source intake_date",
            columns="source intake_date as_of_at",
        ),
    ],
)
