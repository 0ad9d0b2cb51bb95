"""The soak, short: `python -m tests.soak` is the long one."""

from pathlib import Path

import pytest

from tests.soak import soak

pytestmark = pytest.mark.anyio


async def test_kills_and_faults_lose_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    wrong, ends = await soak(tmp_path / "kept", count=50, kills=2, seed=4)
    assert wrong == []
    assert ends["with its bytes"] > 0
