"""The pocket model, loaded once for all tests of the engine."""

import pytest

from playground.engine.pocket import PocketEngine


@pytest.fixture(scope="session")
def pocket() -> PocketEngine:
    return PocketEngine()
