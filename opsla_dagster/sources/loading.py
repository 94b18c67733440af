"""Loading the accounts of ticket systems, whichever system they are of.

Belongs here: choosing the system. Does not belong here: how any one is loaded. What loads is imported when it is wanted: it is slow to
import, and most processes only read.
"""

from __future__ import annotations

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings, SourcesSettings
from opsla_dagster.settings.tickets import AccountSettings, IntercomSettings, ZendeskSettings
from opsla_dagster.sources.bronze.report import LoadReport
from opsla_dagster.sources.intercom import records as intercom
from opsla_dagster.sources.zendesk import records as zendesk


def enabled_accounts(settings: SourcesSettings) -> list[AccountSettings]:
    """The accounts that are loaded, in the document's order."""
    return [source for source in settings.sources if isinstance(source, AccountSettings) and source.enabled]


def resources_of(account: AccountSettings) -> tuple[str, ...]:
    """The tables of its bronze file, in the order in which they are loaded."""
    return zendesk.RESOURCES if isinstance(account, ZendeskSettings) else intercom.RESOURCES


def load_account(account: AccountSettings, desk: DeskSettings, home: Home) -> LoadReport:
    """Loads what is new since the last load. Raises OpslaError; what was stored before stays."""
    match account:
        case ZendeskSettings():
            from opsla_dagster.sources.zendesk.load import load_zendesk

            return load_zendesk(account, desk, home)
        case IntercomSettings():
            from opsla_dagster.sources.intercom.load import load_intercom

            return load_intercom(account, desk, home)
    raise OpslaError(f"sources.yml: {account.name}: no ticket system that can be loaded")
