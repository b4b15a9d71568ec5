"""One desk over paper, with one case that waits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.desk.paper import PaperDesk, handover


@pytest.fixture
async def desk() -> AsyncIterator[PaperDesk]:
    made = PaperDesk()
    made.book.put(handover())
    yield made
    for client in made.clients:
        await client.aclose()
