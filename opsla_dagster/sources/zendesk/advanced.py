"""Advanced settings of Zendesk's SLA policies: what else starts or fulfils a metric than it does by default.

Belongs here: which of them are on, and which metric of sla_policies.yml they are data of. Does not belong here: the settings' names
(records.py). Rules: docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Setting -> the metric of sla_policies.yml that follows it with PRIVATE_NOTE among its stops.
_NOTES_ANSWER = {
    ("first_reply_time", "fulfill_on_agent_internal_note"): "first_reply",
    ("next_reply_time", "fulfill_on_non_requesting_agent_internal_note_after_activation"): "next_reply",
    ("periodic_update_time", "activate_on_agent_internal_note"): "periodic_update",
}


def settings_on(policy: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings of a policy, as Zendesk or bronze has it, that are on: (metric, setting), in their order."""
    told = policy.get("metric_settings") or policy.get("metrics_settings")
    if not isinstance(told, dict):
        return []
    return [
        (metric, setting)
        for metric, settings in told.items() if isinstance(settings, dict)
        for setting, value in settings.items() if value is True
    ]  # fmt: skip


def answered_by_notes(policies: Iterable[Mapping[str, Any]]) -> set[str]:
    """Metrics of sla_policies.yml that an internal note fulfils by every policy that has a target for them."""
    of_metric: dict[str, list[bool]] = {metric: [] for metric in _NOTES_ANSWER.values()}
    for policy in policies:
        on = set(settings_on(policy))
        with_target = {target.get("metric") for target in policy.get("policy_metrics") or [] if isinstance(target, dict)}
        for (zendesk_metric, setting), metric in _NOTES_ANSWER.items():
            if zendesk_metric in with_target:
                of_metric[metric].append((zendesk_metric, setting) in on)
    return {metric for metric, follow in of_metric.items() if follow and all(follow)}


def settings_told(policies: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line a policy whose advanced settings the metrics of sla_policies.yml do not follow by themselves."""
    lines = []
    for policy in policies:
        on = settings_on(policy)
        if not on:
            continue
        notes = sorted({_NOTES_ANSWER[setting] for setting in on if setting in _NOTES_ANSWER})
        others = [f"{metric}.{setting}" for metric, setting in on if (metric, setting) not in _NOTES_ANSWER]
        follow = [f"PRIVATE_NOTE is to be a stop of {', '.join(notes)}"] if notes else []
        differ = [f"{', '.join(others)}: no signal of sla_policies.yml says this, so these clocks may differ from Zendesk's"] if others else []
        lines.append(f"SLA policy {policy.get('title')} has advanced settings: {'; '.join([*follow, *differ])}")
    return lines
