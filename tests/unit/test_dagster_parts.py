"""The parts of Dagster that are nobody's promise: `opsla dev`, storage and checks by date are put together from them, so an upgrade of Dagster has to say here what became of each.

Belongs here: that they are there, and take what we give them. Does not belong here: what we make of them.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import opsla_dagster

PACKAGE = Path(opsla_dagster.__file__).parent
#: What opsla calls or overrides, and with what: names of parameters, in order where they are given by position.
CALLED: dict[str, tuple[str, ...]] = {
    "dagster._daemon.backfill.execute_backfill_iteration": (
        "workspace_process_context", "logger", "threadpool_executor", "backfill_futures", "submit_threadpool_executor",
    ),
    "dagster._daemon.controller.DagsterDaemonController": ("workspace_process_context", "daemons"),
    "dagster._daemon.controller.create_daemon_of_type": ("daemon_type", "instance"),
    "dagster._daemon.daemon.BackfillDaemon": ("settings",),
    "dagster._daemon.daemon.BackfillDaemon.core_loop": ("self", "workspace_process_context", "shutdown_event"),
    "dagster._core.workspace.context.WorkspaceProcessContext": ("instance", "workspace_load_target", "version", "grpc_server_registry"),
    "dagster._core.workspace.load_target.WorkspaceFileTarget": ("paths",),
    "dagster._core.remote_representation.grpc_server_registry.GrpcServerRegistry": (
        "instance_ref", "server_command", "heartbeat_ttl", "startup_timeout", "log_level", "wait_for_processes_on_shutdown",
    ),
    "dagster._utils.log.configure_loggers": ("formatter", "log_level"),
    "dagster._utils.error.serializable_error_info_from_exc_info": ("exc_info",),
    "dagster_webserver.app.create_app_from_workspace_process_context": ("workspace_process_context", "live_data_poll_rate"),
    "dagster._core.execution.plan.execute_step._get_output_asset_events": (),
    "dagster.DagsterInstance.optimize_for_webserver": ("self", "statement_timeout", "pool_recycle", "max_overflow"),
}
#: Attributes and methods of Dagster's objects that are used by name alone.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "dagster._daemon.controller.DagsterDaemonController": ("check_daemon_threads",),
    "dagster._core.remote_representation.grpc_server_registry.GrpcServerRegistry": ("get_grpc_server_entry",),
    "dagster._core.workspace.context.WorkspaceProcessContext": ("get_current_workspace", "reload_code_location"),
    "dagster._daemon.daemon.SpanMarker": ("START_SPAN", "END_SPAN"),
    "dagster._grpc.constants.GrpcServerCommand": ("API_GRPC",),
    "dagster.DagsterInstance": (
        "get_required_daemon_types", "get_backfill_settings", "code_server_process_startup_timeout", "wait_for_local_code_server_processes_on_shutdown",
    ),
}


def _private_imports() -> Iterator[tuple[str, str]]:
    """File, and dotted name of what it imports of Dagster's underscored modules (and of the webserver's)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("dagster._", "dagster_webserver", "dagster_shared")):
                for alias in node.names:
                    yield str(path.relative_to(PACKAGE)), f"{node.module}.{alias.name}"


def _found(name: str) -> object:
    """What the dotted name names. Raises AttributeError or ModuleNotFoundError."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def _broken(name: str, problem: object) -> str:
    return f"{name}: {problem}. This is Dagster {dg.__version__}; opsla is written against the one that pyproject.toml pins: see what it became in Dagster's changelog"


def test_every_private_part_is_where_it_was() -> None:
    gone = []
    for file, name in _private_imports():
        try:
            _found(name)
        except ImportError as missing:
            if "psycopg2" not in str(missing) and "dagster_postgres" not in str(missing):
                gone.append(_broken(f"{file}: {name}", missing))
        except AttributeError as missing:
            gone.append(_broken(f"{file}: {name}", missing))
    assert not gone, "\n".join(gone)


@pytest.mark.parametrize("name", CALLED)
def test_it_takes_what_we_give_it(name: str) -> None:
    parameters = inspect.signature(_found(name)).parameters  # type: ignore[arg-type]
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    missing = [given for given in CALLED[name] if given not in parameters and not takes_any]
    assert not missing, _broken(name, f"takes {', '.join(parameters)}, and no {', '.join(missing)}")
    required = [each.name for each in parameters.values() if each.default is each.empty and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    unknown = [] if not CALLED[name] else [each for each in required if each not in CALLED[name]]
    assert not unknown, _broken(name, f"needs {', '.join(unknown)} too")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_it_has_what_we_ask_of_it(name: str) -> None:
    missing = [attribute for attribute in ATTRIBUTES[name] if not hasattr(_found(name), attribute)]
    assert not missing, _broken(name, f"has no {', '.join(missing)}")


def test_the_daemon_of_backfills_keeps_its_pools_where_ours_looks() -> None:
    """PromptBackfillDaemon hands on what Dagster's own keeps for itself."""
    source = inspect.getsource(_found("dagster._daemon.daemon.BackfillDaemon"))  # type: ignore[arg-type]
    for attribute in ("self._threadpool_executor", "self._submit_threadpool_executor", "self._logger"):
        assert attribute in source, _broken("dagster._daemon.daemon.BackfillDaemon", f"has no {attribute}")
