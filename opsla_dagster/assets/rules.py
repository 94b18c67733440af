"""Identity of what turns the cases and events of a date into its tables.

Belongs here: settings and SQL as one fingerprint. Does not belong here: what a date was loaded from (warehouse/loads.py).
"""

from __future__ import annotations

import hashlib

from opsla_dagster.settings import Settings


def settings_fingerprint(settings: Settings) -> str:
    """Identity of the calendars, promises and rules of ownership: what of the settings comes into tables by dates."""
    return hashlib.sha256("\n".join(settings_texts(settings)).encode()).hexdigest()[:16]


def settings_texts(settings: Settings) -> list[str]:
    """The calendars, promises and rules of ownership, as text."""
    return [
        settings.calendars.model_dump_json(),
        # An objective judges how many promises were kept; no clock depends on it.
        settings.sla_policies.model_dump_json(exclude={"policies": {"__all__": {"objective": True, "targets": {"__all__": {"objective"}}}}}),
        settings.ownership.model_dump_json(),
    ]
