"""The accounts as Dagster assets: a group each, what a load did as metadata, drift as a warning, a failure that leaves the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import dagster as dg
from accounts import DESK, intercom_settings, zendesk_settings
from desks import fill, fill_chat
from fake_intercom import FakeIntercom
from fake_server import Response, always
from fake_zendesk import TOKEN, FakeZendesk

from opsla_dagster.assets.bronze import bronze_assets, bronze_keys
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.sources import SourcesSettings

REPOSITORY = Path(__file__).parents[2]


def settings_of(home: Path, zendesk: FakeZendesk, intercom: FakeIntercom) -> Settings:
    accounts = (
        zendesk_settings(zendesk.address), intercom_settings(intercom.address, slice_hours=744),
        zendesk_settings(zendesk.address, name="asleep", enabled=False),
    )
    return replace(load_settings(REPOSITORY / "config", home), sources=SourcesSettings(desk=DESK, sources=accounts))


def metadata_of(result: dg.ExecuteInProcessResult, *key: str) -> Mapping[str, object]:
    (event,) = [event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey(list(key))]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_accounts_are_groups_that_tell_what_they_loaded(zendesk: FakeZendesk, intercom: FakeIntercom, tmp_path: Path) -> None:
    fill(zendesk, 3)
    fill_chat(intercom, 2)
    settings = settings_of(tmp_path, zendesk, intercom)
    assets = bronze_assets(settings)
    assert {spec.group_name for asset in assets for spec in asset.specs} == {"bronze_acme", "bronze_chat"}
    assert {spec.key for asset in assets for spec in asset.specs} == set(bronze_keys(settings))
    instance = dg.DagsterInstance.ephemeral()
    result = dg.materialize(assets, instance=instance)

    tickets = metadata_of(result, "bronze", "acme", "tickets")
    assert tickets["rows"] == 3
    assert isinstance(tickets["seconds"], float)
    assert str(tickets["watermark"]).endswith("Z")
    assert metadata_of(result, "bronze", "chat", "conversations")["rows"] == 2
    assert all(check.passed for check in result.get_asset_check_evaluations())

    zendesk.tickets[3].update(mood="grim", generated_timestamp=1_760_000_000)
    intercom.faults = [always(Response({"errors": []}, 500), "/conversations/search")]
    second = dg.materialize(assets, instance=instance, raise_on_error=False)
    assert not second.success
    (check,) = second.get_asset_check_evaluations()
    assert (check.passed, check.severity, check.metadata["first"].value) == (False, dg.AssetCheckSeverity.WARN, "tickets.mood is new (string)")
    told = [str(event.event_specific_data) for event in second.all_events]
    assert any("source chat: POST /conversations/search: no usable answer" in text for text in told)
    assert not any(TOKEN in text for text in told)


def test_the_shipped_settings_have_no_accounts() -> None:
    assert bronze_assets(load_settings(REPOSITORY / "config", Path("nowhere"))) == []
