"""Drop folders as external assets: somebody else makes what is in them, and each receipt is told as a materialisation.

Belongs here: their keys, and what a receipt says in the UI. Does not belong here: receiving (sources/drops/) and refreshing (automation/drops.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import dagster as dg

from opsla_dagster.assets.factory import OWNER
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.sources import EventLogSettings
from opsla_dagster.sources.drops.receipts import Receipt, ReceivedFile
from opsla_dagster.sources.drops.released import Released
from opsla_dagster.sources.event_log.files import patterns_of
from opsla_dagster.window import ranges_of

GROUP = "drop_folders"
_SHOWN = 20


def drop_folder_key(folder: str) -> dg.AssetKey:
    """One asset a drop folder, by its name in sources.yml."""
    return dg.AssetKey([GROUP, folder])


def drop_folder_specs(settings: Settings) -> list[dg.AssetSpec]:
    """One asset a drop folder."""
    return [
        dg.AssetSpec(
            drop_folder_key(name),
            group_name=GROUP,
            kinds={"file"},
            owners=[OWNER],
            description=f"Files that somebody else puts into `{folder.path}`; they count once a marker ({', '.join(folder.ready_key)}) has released them.",
        )
        for name, folder in settings.sources.drop_folders.items()
    ]


def folders_read(settings: Settings, source: EventLogSettings, pattern_number: int) -> list[dg.AssetKey]:
    """The drop folder in which a pattern of a source lies, if it lies in one, and that can be told now: a variable may not be set yet."""
    if not settings.sources.drop_folders:
        return []
    try:
        folder = Released.of(settings).folder_of(patterns_of(source, settings.config_directory)[pattern_number])
    except OpslaError:
        return []
    return [] if folder is None else [drop_folder_key(folder)]


def receipt_of(receipt: Receipt, files: Sequence[ReceivedFile], days: Sequence[date]) -> dg.AssetMaterialization:
    """What was received, and which intake dates are refreshed because of it."""
    more = [f"and {len(files) - _SHOWN} more"] if len(files) > _SHOWN else []
    return dg.AssetMaterialization(
        drop_folder_key(receipt.folder),
        description=f"Receipt {receipt.number}: {receipt.marker}",
        metadata={
            "receipt": receipt.number,
            "marker": receipt.marker,
            "marker_holds": receipt.kind,
            "marker_written_at": dg.TimestampMetadataValue(receipt.marker_modified_at),
            "received_at": dg.TimestampMetadataValue(receipt.received_at),
            "files": len(files),
            "size_bytes": sum(file.size for file in files),
            "names": dg.MetadataValue.json([*(file.name for file in files[:_SHOWN]), *more]),
            "refreshed_intake_dates": ", ".join(map(str, ranges_of(set(days)))) or "none",
        },
    )
