"""Drop folders in an object store: a local S3 server, and the same client as in front of a real one."""

from __future__ import annotations

import logging
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from dropping import A1, A2, HEAD, sha256
from fsspec.registry import known_implementations
from small_desk import FIRST, REPOSITORY, desk_settings, log_of

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.drop_folders import EXTRAS
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.drops.receipts import Receipts
from opsla_dagster.sources.drops.receiving import Received, receive
from opsla_dagster.sources.drops.released import Released
from opsla_dagster.sources.event_log.files import find_log_files

SECRET = "a-secret-that-nobody-should-read"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


class Bucket:
    """A bucket, what is put into it, and a desk that has a prefix of it for a drop folder."""

    def __init__(self, settings: Settings, address: str) -> None:
        import boto3

        self.settings, self._address = settings, address
        self._client = boto3.client("s3")
        self._client.create_bucket(Bucket="esc")

    def put(self, name: str, text: str) -> None:
        self._client.put_object(Bucket="esc", Key=f"unload/{name}", Body=text.encode())

    def delete(self, name: str) -> None:
        self._client.delete_object(Bucket="esc", Key=f"unload/{name}")

    def objects(self) -> dict[str, bytes]:
        listed = self._client.list_objects_v2(Bucket="esc").get("Contents", [])
        return {each["Key"]: self._client.get_object(Bucket="esc", Key=each["Key"])["Body"].read() for each in listed}

    def look(self, later_seconds: float = 0.0) -> Received:
        (found,) = receive(self.settings, now=time.time() + later_seconds)
        return found

    def read(self) -> dict[str, str]:
        files = find_log_files(self.settings.sources.sources[0], self.settings.config_directory, Released.of(self.settings))  # type: ignore[arg-type]
        return {file.name: file.path.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return desk_settings(tmp_path_factory.mktemp("desk"), cases=100, gates=False)


def _settings(base: Settings, home: Path, **options: Any) -> Settings:
    document = {
        "desk": {"timezone": "America/New_York", "start_date": FIRST},
        "drop_folders": {"esc": {"path": "s3://esc/unload/", **options}},
        "sources": [{**log_of(Path("unused")), "files": "s3://esc/unload/tickets/*"}],
    }
    return replace(base, home=Home.of(home), sources=SourcesSettings.model_validate(document))


@pytest.fixture
def bucket(base: Settings, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    import requests

    requests.post(f"{server}/moto-api/reset", timeout=5)
    for name, value in {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return Bucket(_settings(base, tmp_path / "home", receipt_beside_marker=True), server)


def test_an_unload_with_its_manifest_is_fetched_once_and_read_by_the_same_reader(bucket: Bucket) -> None:
    bucket.put("tickets/0000_part_00", HEAD + A1)
    bucket.put("tickets/0001_part_00", HEAD + A2)
    assert bucket.look().receipts == ()
    entries = ", ".join(
        f'{{"url": "s3://esc/unload/tickets/{part}", "mandatory": true, "meta": {{"content_length": {size}, "record_count": {rows}}}}}'
        for part, size, rows in (("0000_part_00", len(HEAD + A1), 2), ("0001_part_00", len(HEAD + A2), 1))
    )
    bucket.put("tickets.ready", f'{{"entries": [{entries}], "meta": {{"record_count": 3}}}}')
    (receipt,) = bucket.look().receipts
    assert receipt.kind == "manifest"
    assert bucket.read() == {"s3://esc/unload/tickets/0000_part_00": HEAD + A1, "s3://esc/unload/tickets/0001_part_00": HEAD + A2}
    assert b'"status": "received"' in bucket.objects()["unload/tickets.ready.receipt.json"]
    assert bucket.look().receipts == (), "once a marker"
    bucket.delete("tickets/0000_part_00")
    assert len(bucket.read()) == 2, "it is in the home"


def test_a_marker_that_is_written_again_with_the_same_bytes_is_a_new_one(bucket: Bucket) -> None:
    bucket.put("tickets/a.csv", HEAD + A1)
    bucket.put("tickets/_SUCCESS", "")
    assert len(bucket.look().receipts) == 1
    time.sleep(1.01)  # S3 tells whole seconds
    bucket.put("tickets/a.csv", HEAD + A1 + A2)
    bucket.put("tickets/_SUCCESS", "")
    assert len(bucket.look().receipts) == 1
    assert bucket.read() == {"s3://esc/unload/tickets/a.csv": HEAD + A1 + A2}


def test_what_is_missing_or_changed_is_refused(bucket: Bucket) -> None:
    bucket.put("tickets/a.csv", HEAD + A1)
    bucket.put("1.ready", f"{sha256(HEAD + A2)}  tickets/a.csv\n")
    bucket.put("2.ready", "tickets/b.csv\n")
    found = bucket.look(90)
    assert [each.problem.split(";")[0] for each in found.refused] == [
        f"says that the sha256 of tickets/a.csv is {sha256(HEAD + A2)}",
        "releases 1 file, of which tickets/b.csv is missing in s3://esc/unload",
    ]
    with pytest.raises(OpslaError, match="no file of the drop folder esc that a marker has released"):
        bucket.read()


def test_a_store_that_does_not_answer_is_said_without_its_secrets(bucket: Bucket, base: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_bucket = _settings(base, tmp_path / "home", path="s3://nobody-has-it/x")
    (found,) = receive(no_bucket)
    assert found.is_passing
    assert found.trouble.startswith("drop folder esc: s3://nobody-has-it/x cannot be read: FileNotFoundError")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:9/{SECRET}")
    found = bucket.look()
    assert found.trouble.startswith("drop folder esc: s3://esc/unload cannot be read: EndpointConnectionError")
    assert SECRET not in found.trouble
    assert "***" in found.trouble
    look = Receipts(bucket.settings.home.drops).look("esc")
    assert look is not None
    assert SECRET not in (look.trouble or "")


@pytest.mark.parametrize("scheme", sorted(EXTRAS))
def test_every_kind_of_store_has_its_client_in_an_extra(scheme: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = project["optional-dependencies"][EXTRAS[scheme]]
    client = known_implementations[scheme]["class"].split(".")[0]
    assert requirement.startswith(f"{client}>=")
    assert find_spec(client)


def test_a_client_that_is_not_installed_is_named(base: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    (found,) = receive(_settings(base, tmp_path / "home"))
    assert found.trouble == "drop folder esc: s3:// wants a client that is not installed: pip install 'opsla[s3]'"
    assert not found.is_passing
