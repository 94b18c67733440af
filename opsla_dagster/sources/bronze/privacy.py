"""People become pseudonyms before anything of them is stored.

Belongs here: keys and secrets from the environment, and the keyed digest. Does not belong here: which fields are people.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from opsla_dagster.errors import OpslaError
from opsla_dagster.secrets import read_secret

_SHORTEST_KEY = 16
_HEX_DIGITS = 16
_REMEMBERED = 65_536


def secret_of(account: str, variable: str) -> str:
    """A secret from the environment. Raises OpslaError naming the variable when it is not set."""
    value = read_secret(variable)
    if not value:
        raise OpslaError(f"sources.yml: {account}: the environment variable {variable} is not set; nothing was loaded")
    return value


class Pseudonyms:
    """What stands for people: a keyed HMAC-SHA256, cut to 16 hex digits. The same person is the same pseudonym.

    Without the key nobody can tell, or try out, whose it is.
    """

    def __init__(self, account: str, variable: str) -> None:
        """Raises OpslaError without a key, and for one that is too short to keep anything secret."""
        key = secret_of(account, variable)
        if len(key) < _SHORTEST_KEY:
            raise OpslaError(
                f"sources.yml: {account}: the key in {variable} is shorter than {_SHORTEST_KEY} characters; nothing was loaded"
            )
        self._key = key.encode()
        self.of = lru_cache(_REMEMBERED)(self._of)

    @property
    def check(self) -> str:
        """Tells two keys apart without telling either."""
        return self._of("opsla: which key is this")

    def _of(self, person: str) -> str:
        return hmac.new(self._key, person.encode(), hashlib.sha256).hexdigest()[:_HEX_DIGITS]
