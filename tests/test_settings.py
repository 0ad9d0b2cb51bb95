"""Settings from the environment: whose key is used where, and what the words mean."""

import pytest

from playground.settings import Settings

KEY = "cdt_owner_key"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GRADIO_SERVER_NAME",
        "SPACE_ID",
        "PLAYGROUND_SHARE_KEY",
        "PLAYGROUND_HISTORY_DAYS",
        "GRADIO_SHARE",
        "GRADIO_ROOT_PATH",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PLAYGROUND_API_KEY", KEY)


@pytest.mark.parametrize(
    ("environment", "is_usable"),
    [
        ({}, True),
        ({"GRADIO_SERVER_NAME": "127.0.0.1"}, True),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, False),  # noqa: S104
        ({"SPACE_ID": "somebody/playground"}, False),
        ({"SPACE_ID": "somebody/playground", "PLAYGROUND_SHARE_KEY": "on"}, True),
        ({"PLAYGROUND_SHARE_KEY": "off"}, False),
        ({"PLAYGROUND_PUBLIC": "on"}, False),
        ({"GRADIO_SHARE": "True"}, False),
        ({"GRADIO_ROOT_PATH": "/playground"}, False),
    ],
)
def test_strangers_use_the_owner_s_key_only_where_the_owner_says_so(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_usable: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    key = Settings().usable_key
    assert (key is not None) == is_usable
    assert key is None or key.get_secret_value() == KEY


def test_limits_hold_on_a_public_page_and_wherever_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().limit("credits_per_hour") is None
    monkeypatch.setenv("PLAYGROUND_CREDITS_PER_HOUR", "90")
    assert (Settings().limit("credits_per_hour"), Settings().limit("visitor_credits_per_hour")) == (90, None)
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "on")
    assert (Settings().limit("credits_per_hour"), Settings().limit("visitor_credits_per_hour")) == (90, 180)


@pytest.mark.parametrize(("text", "days"), [("7", 7.0), ("none", None), ("", 30.0)])
def test_a_limit_can_be_set_and_taken_away(monkeypatch: pytest.MonkeyPatch, text: str, days: float | None) -> None:
    monkeypatch.setenv("PLAYGROUND_HISTORY_DAYS", text)
    assert Settings().history_days == days
