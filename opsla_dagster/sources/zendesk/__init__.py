"""Zendesk Support as a source of cases.

Belongs here: what Zendesk's records are, how they are fetched, and what they mean. Does not belong here: what every ticket
system shares; that is `opsla_dagster.sources.bronze`.
"""
