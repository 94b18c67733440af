"""Bronze assets: what is loaded of the accounts of ticket systems, one group an account.

Belongs here: the assets of an account, their metadata, and the warning of drift. Does not belong here: loading, or what the
records mean.

An account is one step, because its file has one writer; accounts are steps of their own, so that one that fails leaves the others.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
from collections.abc import Iterator
from typing import Any

import dagster as dg

from opsla_dagster.assets.factory import OWNER
from opsla_dagster.assets.retrying import LOAD_WAITS_SECONDS, failing_plainly
from opsla_dagster.instance.two_at_a_time import ONE_AT_A_TIME_TAG
from opsla_dagster.settings import Settings
from opsla_dagster.settings.tickets import AccountSettings
from opsla_dagster.sources.bronze.drift import sentences
from opsla_dagster.sources.bronze.report import LoadReport, ResourceLoad
from opsla_dagster.sources.loading import enabled_accounts, load_account, resources_of

DRIFT_CHECK = "schema_drift"
#: The table that all cases of an account come from: the account's check hangs on it.
_MAIN = {"zendesk": "tickets", "intercom": "conversations"}
_SHOWN = 20


def bronze_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets of every enabled account; none where there is no ticket system."""
    return [_account_assets(account, settings) for account in enabled_accounts(settings.sources)]


def bronze_keys(settings: Settings) -> list[dg.AssetKey]:
    """The keys of all bronze assets: what reads cases of the accounts comes after these."""
    return [_key(account, resource) for account in enabled_accounts(settings.sources) for resource in resources_of(account)]


def bronze_group(account: AccountSettings) -> str:
    """The asset group of one account."""
    return f"bronze_{account.name}"


def _key(account: AccountSettings, resource: str) -> dg.AssetKey:
    return dg.AssetKey(["bronze", account.name, resource])


def _account_assets(account: AccountSettings, settings: Settings) -> dg.AssetsDefinition:
    system = str(getattr(account, "type", ""))
    main = _key(account, _MAIN[system])

    @dg.multi_asset(
        name=bronze_group(account),
        op_tags={ONE_AT_A_TIME_TAG: "true"},  # hours of an API, which only the run's own thread can be called off from
        specs=[
            dg.AssetSpec(
                _key(account, resource),
                group_name=bronze_group(account),
                kinds={"dlt", "duckdb", system},
                owners=[OWNER],
                description=f"One row is a record of {resource} as {system} has it: id, time of its last update, and the record. "
                "People are pseudonyms; free text is left out unless sources.yml asks for it.",
                metadata={"dagster/relation_identifier": f"{account.name}.bronze.{resource}"},
            )
            for resource in resources_of(account)
        ],
        check_specs=[
            dg.AssetCheckSpec(
                DRIFT_CHECK,
                asset=main,
                description="Records had a new field, lacked one, or had one of another type, for the first time. The load went on: "
                "new fields are not stored. Look first at the field in the system's API changelog, then at what it should mean here.",
            )
        ],
    )
    def load_bronze(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        with failing_plainly(context, LOAD_WAITS_SECONDS):
            report = load_account(account, settings.sources.desk, settings.home)
        for resource in resources_of(account):
            key = _key(account, resource)
            checks = [_drift_check(report, main)] if key == main else []
            yield dg.MaterializeResult(asset_key=key, metadata=_metadata(report.resources[resource]), check_results=checks)

    return load_bronze


def _metadata(figures: ResourceLoad) -> dict[str, Any]:
    metadata: dict[str, Any] = {"rows": figures.rows, "seconds": round(figures.seconds, 3)}
    if figures.known_until is not None:
        metadata["watermark"] = f"{figures.known_until.isoformat()}Z"
    if figures.left_out:
        metadata["left_out"] = figures.left_out
    return metadata


def _drift_check(report: LoadReport, main: dg.AssetKey) -> dg.AssetCheckResult:
    told = sentences(report.drifted)
    return dg.AssetCheckResult(
        passed=not told,
        asset_key=main,
        check_name=DRIFT_CHECK,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(told)} differences from the fields known so far: {'; '.join(told[:_SHOWN])}. New fields are not stored; look first at the API changelog."
        if told
        else "Every record had the fields known so far, and no other.",
        metadata={"differences": len(told), "first": "; ".join(told[:_SHOWN])},
    )
