"""One writer per ledger: a lock file that the kernel frees when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from guardrail.domain.errors import BadConfig


class Lock:
    """Held from construction until `release`. Raises `BadConfig` (`ledger_in_use`) when another
    process, or another ledger of this one, holds it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise BadConfig(
                "ledger_in_use",
                "another process is writing to this ledger.",
                "Stop the other server, or give this one its own --data DIR.",
                where=str(path),
            ) from None

    def release(self) -> None:
        os.close(self._descriptor)
