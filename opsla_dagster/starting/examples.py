"""examples/zendesk and examples/intercom, made of the templates that `opsla init` fills in.

Belongs here: their answers, and writing them anew (`make docs`). Does not belong here: their README.md, which is written by hand.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from opsla_dagster.starting.accounts import Account, intercom_account, zendesk_account
from opsla_dagster.starting.directory import write
from opsla_dagster.starting.writing import account_documents

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_KEY = {"pseudonym_key_variable": "OPSLA_PSEUDONYM_KEY"}
#: The first day that the examples load, and the day on which they were made.
_START, _MADE = date(2025, 1, 1), date(2026, 11, 21)


def example_documents() -> dict[str, dict[str, str]]:
    """Directory of examples/ -> file name -> text."""
    accounts: dict[str, Account] = {
        "zendesk": zendesk_account("acme", None, None, {"email_variable": "ZENDESK_EMAIL", "token_variable": "ZENDESK_TOKEN", **_KEY}),
        "intercom": intercom_account(None, None, {"token_variable": "INTERCOM_TOKEN", **_KEY}),
    }
    return {name: account_documents(account, "Europe/Rome", _START, _MADE) for name, account in accounts.items()}


if __name__ == "__main__":
    for directory, documents in example_documents().items():
        write(EXAMPLES / directory, documents)
