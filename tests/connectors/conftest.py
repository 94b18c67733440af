"""Fake servers, and secrets in the environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from accounts import KEY
from fake_intercom import TOKEN as INTERCOM_TOKEN
from fake_intercom import FakeIntercom
from fake_zendesk import EMAIL, TOKEN, FakeZendesk

from opsla_dagster.sources.bronze.http import Api


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZD_EMAIL", EMAIL)
    monkeypatch.setenv("ZD_TOKEN", TOKEN)
    monkeypatch.setenv("IC_TOKEN", INTERCOM_TOKEN)
    monkeypatch.setenv("OPSLA_KEY", KEY)
    monkeypatch.setattr(Api, "first_wait_seconds", 0.01)


@pytest.fixture
def zendesk() -> Iterator[FakeZendesk]:
    fake = FakeZendesk()
    with fake.running():
        yield fake


@pytest.fixture
def intercom() -> Iterator[FakeIntercom]:
    fake = FakeIntercom()
    with fake.running():
        yield fake
