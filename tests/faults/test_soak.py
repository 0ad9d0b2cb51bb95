"""The soak, short: `python -m tests.soak` is the long one."""

from pathlib import Path

from tests.soak import soak


def test_kills_and_faults_lose_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    wrong, ends = soak(tmp_path / "kept", count=50, kills=2, seed=4)
    assert wrong == []
    assert ends["with its bytes"] > 0
