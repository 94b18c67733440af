"""Files that are no Python and travel with the package: sql/, config/ and workspace.yaml.

In a clone they are symbolic links to the top of the repository, where people look for them; a built wheel has the files
themselves. So one path is right in both (docs/decisions/0032-packaging-and-deployment.md). Belongs here: where they are.
Does not belong here: reading them.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
#: What every derived table is, and its checks.
SQL = (_HERE / "sql").resolve()
#: The configuration of the simulated desk: what runs where nobody has one of their own.
CONFIG = (_HERE / "config").resolve()
#: Names the code location for `dagster dev`.
WORKSPACE = (_HERE / "workspace.yaml").resolve()
