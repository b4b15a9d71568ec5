"""One holder at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrail.domain.errors import BadConfig
from guardrail.storage.lock import Lock


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db.lock"
    lock = Lock(path)
    with pytest.raises(BadConfig) as caught:
        Lock(path)
    assert caught.value.code == "ledger_in_use"
    assert str(path) in caught.value.message
    lock.release()
    Lock(path).release()
