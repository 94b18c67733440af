"""Who may read a home: its owner alone, unless the owner said otherwise.

Belongs here: the mode of the home, and of files that this process makes from then on. Does not belong here: making any file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: A home that opsla makes.
PRIVATE = 0o700


def keep_private(home: Path) -> None:
    """Makes `home` where it is not there (0700, and so is one that is empty), and sets this process' umask by it.

    New files have the permissions that the home itself has: 0600 in a home of 0700, 0640 in one that its owner made 0750. Programs that
    are started inherit it. Raises OSError where the home cannot be made.
    """
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=PRIVATE)
    elif home.is_dir() and home.stat().st_uid == os.geteuid() and not any(home.iterdir()):
        home.chmod(PRIVATE)
    os.umask(0o777 & ~stat.S_IMODE(home.stat().st_mode) & ~0o700)
