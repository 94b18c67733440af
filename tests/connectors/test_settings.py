"""Accounts in sources.yml: what is refused, what is never repeated, and what the defaults mean."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import zendesk_settings

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.settings.tickets import ZENDESK_STATUSES
from opsla_dagster.status import Status

DOCUMENT = Path(__file__).parents[2] / "docs" / "connect_zendesk_and_intercom.md"
ACCOUNT: dict[str, Any] = {
    "name": "acme", "type": "zendesk", "subdomain": "acme", "email_variable": "ZD_EMAIL", "token_variable": "ZD_TOKEN",
    "pseudonym_key_variable": "OPSLA_KEY",
}


def read(directory: Path, **changes: Any) -> SourcesSettings:
    path = directory / "sources.yml"
    account = {name: value for name, value in {**ACCOUNT, **changes}.items() if value is not None}
    document = {"desk": {"timezone": "Europe/Rome", "start_date": date(2025, 1, 1)}, "sources": [account]}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return read_document(path, SourcesSettings)


def test_the_example_of_the_document_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "sources.yml").write_text(example, encoding="utf-8")
    document = read_document(tmp_path / "sources.yml", SourcesSettings)
    assert [source.type for source in document.sources] == ["zendesk", "intercom"]


def test_the_shortest_account(tmp_path: Path) -> None:
    (account,) = read(tmp_path).sources
    assert account.type == "zendesk"
    assert account.address == "https://acme.zendesk.com"
    assert account.all_statuses == ZENDESK_STATUSES
    assert not account.keep_text
    assert account.first_day(date(2025, 1, 1)) == date(2025, 1, 1)
    assert account.custom_fields == frozenset()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subdomain": None}, "write the subdomain"),
        ({"base_url": "http://proxy.example"}, "expected https: credentials would travel in the clear"),
        ({"base_url": "https://user:word@proxy.example"}, "without user, password or query"),
        ({"token": "abc"}, "sources.0.token: no such setting"),
        ({"token_variable": None}, "sources.0.token_variable: is required"),
        ({"name": "Acme Support"}, "sources.0.name"),
        ({"statuses": {"pending": "WAITING"}}, "sources.0.statuses.pending"),
        ({"region_from": "moon"}, "region_from"),
        ({"slice_pages": 0}, "sources.0.slice_pages"),
    ],
)
def test_what_is_refused_names_its_place(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(OpslaError) as refused:
        read(tmp_path, **changes)
    assert message in str(refused.value)


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match=r"token_variable: expected the NAME of an environment variable") as refused:
        read(tmp_path, token_variable="s3cret-t0ken", token="another-s3cret")
    assert "s3cret" not in str(refused.value)


def test_the_document_wins_over_the_default_words(tmp_path: Path) -> None:
    (account,) = read(tmp_path, statuses={"pending": "VENDOR_WAIT", "triaged": "TRIAGE"}).sources
    assert account.type == "zendesk"
    assert account.all_statuses["pending"] is Status.VENDOR_WAIT
    assert account.all_statuses["triaged"] is Status.TRIAGE
    assert account.all_statuses["new"] is Status.INTAKE


def test_the_fingerprint_is_of_the_meaning_alone() -> None:
    base = zendesk_settings("https://acme.zendesk.com").mapping_fingerprint("UTC")
    same = {"slice_pages": 3, "token_variable": "OTHER", "start_date": date(2024, 1, 1), "enabled": False, "keep_text": True}
    assert zendesk_settings("https://proxy.example", **same).mapping_fingerprint("UTC") == base
    others = [{"statuses": {"hold": "VENDOR_WAIT"}}, {"tier_field": 1}, {"region_from": "brand"}, {"case_id_prefix": "A-"}]
    assert all(zendesk_settings("https://acme.zendesk.com", **one).mapping_fingerprint("UTC") != base for one in others)
    assert zendesk_settings("https://acme.zendesk.com").mapping_fingerprint("Europe/Rome") != base
