"""Predictions are read in both dialects, in every form of `result` and `error`, and never fail on what the API adds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from playground.contract.prediction import Prediction, Status, readable, result_items

URL = "https://files.example/a.webp"
URL_2 = "https://files.example/b.webp"
DATA_URI = "data:image/png;base64,iVBORw0KGgo="
BASE64 = "iVBORw0KGgoAAAANSUhEUg=="
RESULT_KEYS = ("output", "images", "image", "urls", "url", "data")
TERMINAL = {"completed", "failed", "cancelled"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OWN_FIELDS = ("provider", "model", "created_at", "result", "output", "error", "progress", "seed", "notes", "metrics", "logs")
answers = st.fixed_dictionaries(
    {"job_id": st.text(min_size=1), "status": st.text(min_size=1)}, optional={name: json_values for name in OWN_FIELDS}
)


def read(**fields: Any) -> Prediction:
    return Prediction.model_validate({"job_id": "abc123", "status": "completed"} | fields)


def test_prediction_reads_the_documented_answer():
    prediction = Prediction.model_validate(
        {
            "job_id": "abc123",
            "status": "pending",
            "provider": "replicate",
            "model": "black-forest-labs/flux-krea-dev",
            "created_at": "2026-01-01T00:00:00Z",
            "result": None,
            "error": None,
        }
    )
    assert (prediction.job_id, prediction.status, prediction.provider) == ("abc123", Status.PENDING, "replicate")
    assert prediction.created_at == "2026-01-01T00:00:00Z"
    assert (prediction.result, prediction.error) == (None, None)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("pending", "starting"),
        ("processing", "processing"),
        ("completed", "succeeded"),
        ("failed", "failed"),
        ("cancelled", "canceled"),
    ],
)
def test_both_dialects_parse_to_the_same_prediction(ours: str, theirs: str):
    first = {"job_id": "abc123", "status": ours, "result": [URL], "error": "none", "created_at": "now"}
    second = {"id": "abc123", "status": theirs, "output": [URL], "error": "none", "created_at": "now", "public_url": "x"}
    assert Prediction.model_validate(first) == Prediction.model_validate(second)
    assert Prediction.model_validate(second).status.value == ours


@pytest.mark.parametrize("word", ["COMPLETED", " completed ", "Succeeded"])
def test_status_is_read_in_any_case_and_padding(word: str):
    assert read(status=word).status is Status.COMPLETED


@pytest.mark.parametrize("status", Status)
def test_status_is_terminal_only_for_the_last_three(status: Status):
    assert status.is_terminal == (status.value in TERMINAL)


@given(word=st.text(min_size=1))
def test_unknown_status_is_kept_as_it_is_and_is_not_final(word: str):
    known = {"pending", "processing", "starting", "succeeded", "canceled"} | TERMINAL
    status = Status(word)
    if word.strip().lower() not in known:
        assert status.value == word
        assert status == word
        assert not status.is_terminal
        assert status not in list(Status)


def test_unknown_status_survives_json():
    prediction = read(status="Warming up")
    assert json.loads(prediction.model_dump_json())["status"] == "Warming up"
    assert Prediction.model_validate_json(prediction.model_dump_json()) == prediction


def test_unknown_statuses_differ_from_each_other():
    assert read(status="warming") != read(status="resting")
    assert len({Status("warming"), Status("resting"), Status("warming")}) == 2


@pytest.mark.parametrize("status", ["", None, 7, ["completed"]])
def test_prediction_without_a_readable_status_is_refused(status: Any):
    with pytest.raises(ValidationError):
        read(status=status)


@pytest.mark.parametrize("job_id", ["", None, ["abc"], True])
def test_prediction_without_a_readable_job_id_is_refused(job_id: Any):
    with pytest.raises(ValidationError):
        read(job_id=job_id)


def test_job_id_given_as_a_number_is_read_as_text():
    assert read(job_id=42).job_id == "42"


@pytest.mark.parametrize("item", [URL, DATA_URI, BASE64])
def test_result_may_be_one_string(item: str):
    assert read(result=item).result == (item,)


@pytest.mark.parametrize("item", [URL, DATA_URI, BASE64])
def test_result_may_be_a_list(item: str):
    assert read(result=[item, URL_2]).result == (item, URL_2)


@pytest.mark.parametrize("key", RESULT_KEYS)
@pytest.mark.parametrize("item", [URL, DATA_URI, BASE64])
def test_result_may_be_an_object_holding_a_string(key: str, item: str):
    assert read(result={key: item, "width": 1024}).result == (item,)


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_result_may_be_an_object_holding_a_list(key: str):
    assert read(result={key: [URL, URL_2]}).result == (URL, URL_2)


@pytest.mark.parametrize("outer", RESULT_KEYS)
@pytest.mark.parametrize("inner", RESULT_KEYS)
def test_result_may_be_objects_in_objects(outer: str, inner: str):
    assert read(result={outer: [{inner: URL}, {inner: URL_2}]}).result == (URL, URL_2)
    assert read(result={outer: {inner: URL}}).result == (URL,)


@pytest.mark.parametrize("value", [URL, [URL], {"images": [URL]}, [{"url": URL}]])
def test_result_may_be_json_as_text(value: Any):
    assert read(result=json.dumps(value)).result == (URL,)
    assert read(result=json.dumps(json.dumps(value))).result == (URL,)


@pytest.mark.parametrize("value", [None, "", "  ", [], {}, {"output": None}, [None, ""], 7, True, {"width": 1}, "[broken", "{"])
def test_result_that_names_no_output_is_none(value: Any):
    assert read(result=value).result is None


@pytest.mark.parametrize("text", ["[" * 100_000, '{"output":' * 100_000, '"' * 2])
def test_result_text_of_endless_nesting_names_no_output(text: str):
    assert result_items(text) == ()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("Out of memory", "Out of memory"),
        ({"message": "Out of memory", "code": 5}, "Out of memory"),
        ({"detail": "Out of memory"}, "Out of memory"),
        ({"error": {"message": "Out of memory"}}, "Out of memory"),
        ({"title": "Out of memory"}, "Out of memory"),
        (["Out of", {"message": "memory"}], "Out of; memory"),
        ([{"loc": ["body", "input", "guidance"], "msg": "too big"}], "body.input.guidance: too big"),
        ({"code": 5}, '{"code": 5}'),
        (5, "5"),
    ],
)
def test_error_is_one_readable_line_in_every_form(error: Any, said: str):
    assert read(status="failed", error=error).error == said


@pytest.mark.parametrize("error", [None, "", [], {}, False, [None, ""]])
def test_error_that_says_nothing_is_none(error: Any):
    assert readable(error) is None


def test_progress_is_read_and_a_strange_one_is_left_out():
    assert read(progress={"step": 3, "total": 28, "eta": 5}).progress == read(progress={"step": 3, "total": 28}).progress
    assert read(progress={"step": 3, "total": 28}).progress is not None
    assert read(progress={"step": "many"}).progress is None
    assert read(progress=0.5).progress is None


def test_metrics_keep_only_finite_numbers():
    metrics = {"run_time": 2, "queue_time": "1", "total_time": float("nan"), "gpu": None, "cold": True, "huge": 10**400}
    assert read(metrics=metrics).metrics == {"run_time": 2.0}


@pytest.mark.parametrize(("metrics", "run_time_s"), [({"run_time": 2}, 2), ({"predict_time": 3}, 3), ({}, None)])
def test_run_time_is_read_from_either_word(metrics: dict[str, float], run_time_s: float | None):
    assert read(metrics=metrics).run_time_s == run_time_s


def test_text_cut_in_the_middle_of_a_character_is_made_whole():
    half = json.loads('"sad \\ud83d"')
    answer = {"job_id": half, "status": "failed", "error": half, "notes": [half], "result": half, "metrics": {half: 1}}
    prediction = Prediction.model_validate(answer)
    assert prediction.error == "sad ?"
    assert Prediction.model_validate_json(prediction.model_dump_json()) == prediction


@given(answer=answers)
def test_any_object_with_a_job_id_and_a_status_is_read_and_survives_json(answer: dict[str, Any]):
    prediction = Prediction.model_validate(answer)
    assert prediction.job_id == answer["job_id"]
    assert Prediction.model_validate_json(prediction.model_dump_json()) == prediction


@given(value=json_values)
def test_result_items_are_never_empty_strings(value: Any):
    items = result_items(value)
    assert all(isinstance(item, str) and item.strip() == item != "" for item in items)
    assert result_items(list(items)) == items


@pytest.mark.parametrize("seed", [-1, 2**53, 10**30, True, "7", 1.5])
def test_seed_that_no_page_could_show_is_dropped(seed: object):
    assert Prediction.model_validate({"job_id": "a", "status": "completed", "seed": seed}).seed is None


@pytest.mark.parametrize("progress", [{"step": 10**40}, {"total": -1}, {"queue_position": 10**9}])
def test_absurd_progress_is_dropped(progress: dict[str, int]):
    assert Prediction.model_validate({"job_id": "a", "status": "processing", "progress": progress}).progress is None


def test_long_error_is_cut():
    error = Prediction.model_validate({"job_id": "a", "status": "failed", "error": "x" * 10_000}).error
    assert error is not None
    assert len(error) == 2000
