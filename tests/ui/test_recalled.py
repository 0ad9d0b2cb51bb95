"""The history in words and tiles: escaped, truthful about money."""

from dataclasses import replace
from pathlib import Path

import pytest

from playground.history.entry import Account, Entry
from playground.history.shelf import Kind
from playground.ui import recalled

ENTRY = Entry(
    number=1, id="ab12", digest="d", account=Account("me", "visitor"), base_url="https://api.example.org/v1", model="m",
    label="FLUX.1 Krea [dev]", credits=45, input={"prompt": "a red fox", "guidance": 7.0, "seed": 5, "go_fast": True},
    image=None, job_id="job-1", status="completed", created_at="2026-11-22T14:03:05.123Z", ended_at="2026-11-22T14:03:15.123Z",
    error=None, outputs=(Path("/kept/aa/one.webp"),), thumbnail=Path("/kept/bb/small.webp"), size_bytes=13_400, time_s=1.52,
    is_favourite=False,
)  # fmt: skip


def test_a_tile_shows_picture_prompt_model_and_time() -> None:
    html = recalled.tiles([ENTRY], kind=Kind.ALL, is_search=False)
    assert 'data-entry="ab12"' in html
    assert 'src="gradio_api/file=/kept/bb/small.webp"' in html
    assert "a red fox" in html
    assert 'FLUX.1 Krea [dev] · <time datetime="2026-11-22T14:03:05.123Z">2026-11-22 14:03 UTC</time>' in html


def test_everything_of_a_stranger_is_escaped() -> None:
    bad = "<img src=x onerror=alert(1)>"
    evil = replace(
        ENTRY, id='"><script>', label=bad, input={"prompt": bad}, error=bad, status="failed", thumbnail=None, job_id=bad
    )
    for entry in (evil, replace(evil, status="processing"), replace(evil, status="sent", job_id=None)):
        html = recalled.tiles([entry], kind=Kind.ALL, is_search=False) + recalled.facts(entry)
        assert "<script>" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_list_says_what_it_is_for(kind: Kind) -> None:
    assert "<p" in recalled.tiles([], kind=kind, is_search=False)
    assert "No prompt of yours" in recalled.tiles([], kind=kind, is_search=True)


def test_facts_name_cost_time_and_what_differs_from_the_defaults() -> None:
    html = recalled.facts(ENTRY)
    assert "done · 1.5 s · 13 kB · 45 credits" in html
    assert '<tr class="own"><th scope="row">Guidance</th><td>7</td></tr>' in html
    assert '<tr><th scope="row">Go fast</th><td>on</td></tr>' in html
    assert "free" in recalled.facts(replace(ENTRY, credits=0))


def test_what_is_unfinished_or_unknown_says_what_it_means_for_the_account() -> None:
    lost = replace(ENTRY, status="processing", outputs=(), error="contact was lost")
    assert "needs that key" in recalled.facts(lost)
    assert "contact was lost" in recalled.facts(lost)
    assert "needs that key" not in recalled.facts(replace(lost, account=Account("me", "owner")))
    unknown = replace(ENTRY, status="sent", job_id=None, outputs=())
    assert "Check your account before you send it again" in recalled.facts(unknown)


def test_the_offer_counts_what_waits_and_asks_for_a_key_where_one_is_needed() -> None:
    lost = replace(ENTRY, status="processing", outputs=())
    unknown = replace(ENTRY, status="sent", job_id=None, outputs=())
    assert recalled.offer([], has_key=False) == ""
    assert "1 paid request from earlier not finished here: enter the key" in recalled.offer([lost], has_key=False)
    said = recalled.offer([lost, lost, unknown], has_key=True)
    assert "2 paid requests from earlier not finished here." in said
    assert "1 request of unknown outcome: check your account" in said
