"""Who wrote a message, as SQL over the records of a log: a person, a bot or the customer.

Belongs here: the rule, and what it makes of a record's status. Does not belong here: what a clock makes of a reply.
Rules and worked case: docs/decisions/0022-who-replied.md.
"""

from __future__ import annotations

from opsla_dagster.settings.sources import EventLogSettings
from opsla_dagster.sources.event_log.mapping import folded
from opsla_dagster.sources.event_log.sql_text import literals
from opsla_dagster.status import MESSAGE_SIGNALS, Signal
from opsla_dagster.warehouse.sql import literal

#: The word bot in a name, of an address in what stands before the @: bot, Answer Bot, AnswerBot, chatbot, sales-bot. Not Talbot, not Abbot.
BOT_NAME = r"(^|[^\pL])(?i:(chat)?bots?)([^\pL]|$)|\p{Ll}Bots?([^\p{Ll}]|$)"
_MESSAGES = literals(MESSAGE_SIGNALS)


def is_bot(settings: EventLogSettings) -> str:
    """SQL: whether the agent of a record is a bot, as `bots` lists them or else by the name."""
    if settings.bots is None:
        return f"coalesce(regexp_matches(split_part(agent, '@', 1), {literal(BOT_NAME)}), false)"
    names = ", ".join(folded(literal(name)) for name in settings.bots) or "null"
    return f"coalesce({folded('agent')} in ({names}), false)"


def author_kind(settings: EventLogSettings) -> str:
    """SQL: who wrote a message: what the log says itself, else by the agent's name; NULL for what is no message."""
    return f"""
        case
            when status not in ({_MESSAGES}) then null
            when author_kind is not null then author_kind
            when status = '{Signal.CUSTOMER_MESSAGE}' then 'customer'
            when status = '{Signal.BOT_REPLY}' or {is_bot(settings)} then 'bot'
            else 'person'
        end
    """


def status_by_author(kind: str) -> str:
    """SQL: the status of a record whose author is `kind`: a public reply of a bot or a customer is not one of a person."""
    return f"""
        case
            when status = '{Signal.PUBLIC_REPLY}' and {kind} = 'bot' then '{Signal.BOT_REPLY}'
            when status = '{Signal.PUBLIC_REPLY}' and {kind} = 'customer' then '{Signal.CUSTOMER_MESSAGE}'
            else status
        end
    """
