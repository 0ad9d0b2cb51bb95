import math
import re
from dataclasses import replace

import pytest

from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.contract.prediction import Prediction
from playground.experiments.metrics import PairFigures, PictureFigures, Swatch
from playground.experiments.run import RunUpdate
from playground.ui import compared
from playground.ui.compared import Measured

POCKET = ModelInfo(id="pocket", label="pocket model")
A = PredictionInput(prompt="3d fox", seed=5)
FIGURES = PictureFigures((512, 512), 0.5, 40.0, 0.25, 0.2, (Swatch("#102030", 0.75), Swatch("#f0c828", 0.25)))


def measured(**figures: float) -> Measured:
    prediction = Prediction.model_validate({"job_id": "1", "status": "completed", "metrics": {"run_time": 2.0}})
    return Measured(RunUpdate(prediction=prediction, size_bytes=12_300, elapsed_s=9), replace(FIGURES, **figures))


def row(html: str, name: str) -> list[str]:
    found = re.search(rf'<th scope="row">{name}</th>(.*?)</tr>', html)
    assert found is not None
    return re.findall(r"<td.*?</td>", found[1])


def differs(*others: PredictionInput, one_seed: bool = True) -> str:
    return compared.differences_line([A, *others], one_seed=one_seed)


def test_differing_inputs_are_listed_and_marked_on_both_sides() -> None:
    line = differs(A.model_copy(update={"guidance": 7.0}))
    assert "B differs in guidance: 3.0 → 7.0 · one seed for both" in line
    assert "<style>#a_guidance, #b_guidance {" in line


def test_a_folded_input_marks_the_panel_that_hides_it() -> None:
    assert "#b_more > .label-wrap" in differs(A.model_copy(update={"go_fast": False}))
    assert "_more" not in differs(A.model_copy(update={"guidance": 7.0}))


def test_equal_settings_mark_nothing_and_say_what_to_do() -> None:
    line = differs(A)
    assert "A and B are alike: change one input of B" in line
    assert "<style>" not in line
    assert "the seeds are equal" in differs(A, one_seed=False)
    assert "A, B and C are alike: change one input of B or C · one seed for all" in differs(A, A)


def test_b_and_c_are_each_told_apart_from_a_and_marked_where_they_differ() -> None:
    b, c = A.model_copy(update={"guidance": 7.0}), A.model_copy(update={"num_inference_steps": 4, "go_fast": False})
    line = differs(b, c)
    assert "B differs in guidance: 3.0 → 7.0 · C differs in steps: 28 → 4; go fast: on → off · one seed for all" in line
    assert set(re.findall(r"#(\w+)", line)) == {
        "a_guidance", "a_num_inference_steps", "a_go_fast", "a_more",
        "b_guidance",
        "c_num_inference_steps", "c_go_fast", "c_more",
    }  # fmt: skip
    assert "B is like A · C differs in steps" in differs(A, c)


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ([5, 6], "each its own seed"),
        ([5, None], "each its own seed"),
        ([5, 6, 7], "each its own seed"),
        ([5, 5, 5], "the seeds are equal"),
        ([5, 6, 5], "two share a seed"),
        ([5, 5, None], "two share a seed"),
    ],
)
def test_seeds_without_the_lock_are_told_as_they_are(seeds: list[int | None], said: str) -> None:
    sides = [A.model_copy(update={"seed": seed}) for seed in seeds]
    assert said in compared.differences_line(sides, one_seed=False)


def test_a_prompt_is_escaped() -> None:
    line = differs(A.model_copy(update={"prompt": "<script>alert(1)</script>"}))
    assert "&lt;script&gt;" in line
    assert "<script" not in line


def test_plan_says_what_all_cost_together() -> None:
    sides = [A, A.model_copy(update={"num_outputs": 4})]
    paid = compared.plan(FLUX_KREA, sides, sizes_px=[(1024, 1024), (512, 512)], steps=[28, 1])
    assert (
        "A 1024×1024, 28 steps · B 512×512, 1 step, 4 pictures (the first is compared) · together 90 credits (2 × 45)" in paid
    )
    paid = compared.plan(FLUX_KREA, [A] * 3, sizes_px=[(64, 64)] * 3, steps=[1, 2, 3])
    assert "A 64×64, 1 step · B 64×64, 2 steps · C 64×64, 3 steps · together 135 credits (3 × 45)" in paid
    assert "free: pocket model" in compared.plan(POCKET, [A, A], sizes_px=[(64, 64)] * 2, steps=[1, 1])


def test_a_remark_on_all_sides_is_made_once() -> None:
    assert compared.remarks_list([["x <y>"], ["x <y>", "z"]]) == "<ul><li>x &lt;y&gt;</li><li>B: z</li></ul>"
    assert compared.remarks_list([["x"], ["y"], ["x"]]) == "<ul><li>A and C: x</li><li>B: y</li></ul>"
    assert compared.remarks_list([[], []]) == ""


def test_the_larger_value_is_marked_and_equal_ones_are_not() -> None:
    html = compared.table([measured(saturation=0.3), measured(saturation=0.5)])
    first, second = row(html, "saturation")
    assert ("larger" in first, "larger" in second) == (False, True)
    assert row(html, "contrast") == ["<td>0.200</td>"] * 2
    # What cannot be told apart in the digits that are shown is not called different.
    assert row(compared.table([measured(contrast=0.20001), measured(contrast=0.20002)]), "contrast") == ["<td>0.200</td>"] * 2


def test_of_three_the_largest_is_marked_and_every_one_that_reads_like_it() -> None:
    html = compared.table([measured(saturation=0.5), measured(saturation=0.3), measured(saturation=0.5001)])
    assert ["larger" in cell for cell in row(html, "saturation")] == [True, False, True]
    assert '<th scope="col">C</th>' in html
    assert "▲ the largest value, which need not be the best one" in html
    two = compared.table([None, measured(saturation=0.3), measured(saturation=0.5)])
    assert ["larger" in cell for cell in row(two, "saturation")] == [False, False, True]


def test_time_is_the_model_s_own_where_it_is_known() -> None:
    unknown = Measured(RunUpdate(elapsed_s=9), FIGURES)
    first, second = row(compared.table([measured(), unknown]), "time")
    assert ("2.0 s" in first, "9.0 s" in second) == (True, True)


def test_a_side_without_a_picture_leaves_the_other_its_figures() -> None:
    html = compared.table([None, measured()])
    assert row(html, "saturation") == ["<td>–</td>", "<td>0.25</td>"]
    assert row(html, "dominant colours")[1].count("swatch") == 2
    assert compared.table([None, None]) == ""


def test_pair_line_says_identical_or_how_far_apart_and_at_which_size() -> None:
    pair = PairFigures((512, 512), is_resized=False, psnr_db=math.inf, ssim=1, delta_e=0)
    assert "A and C are identical" in compared.pair_lines("A|C", pair)
    resized = compared.pair_lines("A|B", replace(pair, psnr_db=21.55, ssim=0.7312, delta_e=3.21, is_resized=True))
    assert "A and B: PSNR 21.6 dB · SSIM 0.731 · mean ΔE 3.2 · compared at 512×512" in resized


def test_shown_line_names_the_seed_that_was_shared_or_both() -> None:
    assert "the same settings · seed 5" in compared.made_with([A, A])
    assert "seeds 5 and 6" in compared.made_with([A, A.model_copy(update={"seed": 6})])
    assert "Shown: B differs in guidance: 3.0 → 7.0 · C is like A · seed 5" in compared.made_with(
        [A, A.model_copy(update={"guidance": 7.0}), A]
    )


def test_an_error_in_a_status_line_is_escaped_after_its_side() -> None:
    prediction = Prediction.model_validate({"job_id": "1", "status": "failed", "error": "<b>no</b>"})
    line = compared.status("b", RunUpdate(prediction=prediction, is_over=True), POCKET, A)
    assert "<b>B</b>" in line
    assert "&lt;b&gt;no&lt;/b&gt;" in line
