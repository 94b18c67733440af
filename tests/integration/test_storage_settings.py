"""Opening an instance: which settings apply, where things are kept, and what a person reads when that cannot be."""

import os
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._cli.utils import get_temporary_instance_for_cli
from dagster._core.instance.ref import InstanceRef
from storage_toy import FIRST_DAY, cases, daily

from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.launcher import WatchedRunLauncher
from opsla_dagster.instance.lease import process_tags
from opsla_dagster.instance.settings import WRITTEN_BY_OPSLA, embedded_settings, prepare_dagster_home
from opsla_dagster.instance.storage import BatchedSqliteEventLogStorage

ROOT = Path(__file__).parents[2]


def is_embedded(instance: dg.DagsterInstance) -> bool:
    return (
        type(instance.event_log_storage) is BatchedSqliteEventLogStorage
        and type(instance.run_launcher) is WatchedRunLauncher
        and not instance.telemetry_enabled
        and instance.run_monitoring_enabled
        and instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
    )


def test_the_settings_at_the_root_are_those_that_opsla_writes() -> None:
    assert yaml.safe_load((ROOT / "dagster.yaml").read_text()) == embedded_settings()


def test_every_way_of_opening_a_home_sees_the_same_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
    with open_instance(home) as instance:
        assert is_embedded(instance)
        run_id = dg.materialize([cases, daily], selection=[daily], instance=instance, partition_key=FIRST_DAY).run_id

    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with dg.DagsterInstance.get() as instance:
        assert is_embedded(instance)
        assert [run.run_id for run in instance.get_runs()] == [run_id]
        assert instance.get_materialized_partitions(daily.key) == {FIRST_DAY}

    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.setenv("OPSLA_HOME", str(home))
    monkeypatch.chdir(elsewhere)  # `dagster dev` beside the dagster.yaml of the root
    with get_temporary_instance_for_cli() as instance:
        assert is_embedded(instance)
        assert [run.run_id for run in instance.get_runs()] == [run_id]
        copy = dg.DagsterInstance.from_ref(instance.get_ref())  # what run workers get
        assert is_embedded(copy)

    monkeypatch.delenv("OPSLA_HOME")
    with get_temporary_instance_for_cli() as instance:
        assert instance.get_runs_count() == 0
    assert (elsewhere / ".opsla" / "dagster" / "history" / "runs.db").exists()


def test_batches_are_on_in_a_process_that_only_loads_the_instance(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER_")}
    environment |= {"DAGSTER_HOME": str(prepare_dagster_home(tmp_path)), "PYTHONPATH": str(ROOT)}
    code = "import dagster; i = dagster.DagsterInstance.get(); print(i._is_batch_writing_enabled())"

    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "True"


def test_settings_of_the_users_own_are_kept_and_respected(tmp_path: Path) -> None:
    own = "storage: {sqlite: {base_dir: " + str(tmp_path / "mine") + "}}\ntelemetry: {enabled: false}\n"
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text(own)

    with open_instance(tmp_path) as instance:
        assert not isinstance(instance.event_log_storage, BatchedSqliteEventLogStorage)

    assert (tmp_path / "dagster" / "dagster.yaml").read_text() == own
    assert (tmp_path / "mine" / "history" / "runs.db").exists()


def test_a_home_that_was_moved_keeps_its_runs(tmp_path: Path) -> None:
    with open_instance(tmp_path / "before") as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("moved"))
    (tmp_path / "before").rename(tmp_path / "after")

    with open_instance(tmp_path / "after") as instance:
        assert instance.all_asset_keys() == [dg.AssetKey("moved")]
    assert not (tmp_path / "before").exists()
    assert str(tmp_path / "before") not in (tmp_path / "after" / "dagster" / "dagster.yaml").read_text()


def test_an_older_file_of_opslas_own_is_brought_up_to_date(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text(f"{WRITTEN_BY_OPSLA}\ntelemetry: {{enabled: true}}\n")

    with open_instance(tmp_path) as instance:
        assert is_embedded(instance)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("storage: [", "while parsing"),
        ("storage: {cassandra: {}}", "cassandra"),
        ("storage: {custom: {module: nowhere_at_all, class: X, config: {}}}", "nowhere_at_all"),
    ],
    ids=["not yaml", "unknown storage", "unknown module"],
)
def test_settings_that_cannot_be_used_are_one_readable_error(tmp_path: Path, settings: str, said: str) -> None:
    path = tmp_path / "dagster" / "dagster.yaml"
    path.parent.mkdir()
    path.write_text(settings + "\n")

    with pytest.raises(OpslaError) as caught:
        open_instance(tmp_path)

    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert "mend the file (deleting it brings" in message
    assert "\n" not in message


def test_a_home_that_cannot_be_written_is_one_readable_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the directory should be")

    with pytest.raises(OpslaError, match=r"home/dagster: cannot keep Dagster's runs there \(Not a directory\)"):
        open_instance(tmp_path / "home")


def test_a_lock_that_cannot_be_taken_is_one_readable_error(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        (tmp_path / "dagster" / "processes").write_text("a file where the directory should be")

        with pytest.raises(OpslaError, match=r"dagster/processes: cannot take a lock there \(File exists\)"):
            process_tags(instance)


def test_a_database_that_is_not_one_is_one_readable_error(tmp_path: Path) -> None:
    with open_instance(tmp_path):
        pass
    (tmp_path / "dagster" / "history" / "runs.db").write_bytes(b"not a database, " * 500)

    with pytest.raises(OpslaError, match="file is not a database"):
        open_instance(tmp_path)


def test_the_postgres_settings_of_the_manual_are_valid(tmp_path: Path) -> None:
    manual = (ROOT / "docs" / "operate.md").read_text()
    [example] = [block for block in re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL) if "postgres_url" in block]
    (tmp_path / "dagster.yaml").write_text(example)
    ref = InstanceRef.from_dir(str(tmp_path))

    assert ref.storage_data is not None
    assert (ref.storage_data.module_name, ref.storage_data.class_name) == ("opsla_dagster.instance.postgres", "BatchedPostgresStorage")
    assert ref.storage_data.config_dict == {"postgres_url": {"env": "OPSLA_POSTGRES_URL"}}
    embedded = embedded_settings()
    assert {name: ref.settings[name] for name in ("run_monitoring", "concurrency", "telemetry", "retention")} == {
        name: embedded[name] for name in ("run_monitoring", "concurrency", "telemetry", "retention")
    }
