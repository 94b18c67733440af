"""config/alerts.yml: who is told when a check or a run fails.

Belongs here: the shape of the document. Does not belong here: sending, and the receivers' URLs. A URL mostly holds a
secret, so the document only names the environment variable that holds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from opsla_dagster.settings.base import Document, VariableName, read_document


def _web_address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("expected the address at which people open the Dagster UI, such as http://127.0.0.1:3000")
    return value.rstrip("/")


class _Confidential(Document):
    """A document whose errors never repeat what they found: somebody may have pasted a URL with its secret."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Channel(_Confidential):
    """One receiver of alerts."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    url_variable: VariableName


class AlertSettings(_Confidential):
    """Receivers of alerts; with none, alerts are appended to `alerts.jsonl` in the home."""

    #: Where people open the Dagster UI; None: where `opsla dev` listened last.
    ui_url: Annotated[str, AfterValidator(_web_address)] | None = None
    channels: tuple[Channel, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> AlertSettings:
        names = [channel.name for channel in self.channels]
        if len(set(names)) != len(names):
            raise ValueError("two channels share a name; what was sent is remembered by name")
        return self


def read_alert_settings(path: Path) -> AlertSettings:
    """The document at `path`; without the file, the defaults. Raises OpslaError as `read_document` does."""
    return read_document(path, AlertSettings) if path.exists() else AlertSettings()
