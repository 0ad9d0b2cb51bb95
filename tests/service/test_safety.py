"""What the service does with a safety checker's verdicts, and without one."""

import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from playground.client.api import ImageFile
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Status
from playground.safety.classifier import PictureClassifier
from playground.service.outputs import PREVIEW_SIDE_PX
from tests.safety.pictures import picture
from tests.service.checkers import BrokenChecker, StrictChecker, everything, of_colour
from tests.service.conftest import Serve
from tests.service.engines import GatedEngine, InstantEngine, colour
from tests.service.serving import Service, until

pytestmark = pytest.mark.anyio

ALL_FLAGGED = "All generated images contained NSFW content. Try running it again with a different prompt."
WEIGHTS = Path(__file__).parent.parent.parent / "playground" / "safety" / "weights"
RED, TEAL = (200, 30, 30), (0, 128, 128)


@pytest.fixture
def request_of_four(request_of_three_steps: PredictionInput) -> PredictionInput:
    return request_of_three_steps.model_copy(update={"num_outputs": 4, "output_format": "png"})


def upload(image: Image.Image) -> ImageFile:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return ImageFile("upload.png", buffer.getvalue(), "image/png")


async def delivered(service: Service, prediction_result: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """The colours of the delivered pictures."""
    pictures = [Image.open(BytesIO((await service.http.get(url)).content)) for url in prediction_result]
    return [each.convert("RGB").getpixel((9, 9)) for each in pictures]


async def test_a_flagged_output_is_dropped_and_counted(serve: Serve, request_of_four: PredictionInput) -> None:
    service = await serve(InstantEngine(), safety=StrictChecker(of_colour(colour(5, 1))))

    last = await service.make(request_of_four)

    assert last.status == Status.COMPLETED
    assert await delivered(service, last.result or ()) == [colour(5, index) for index in (0, 2, 3)]
    assert last.notes == ("1 of 4 pictures was withheld by the safety checker.",)


async def test_several_flagged_outputs_are_one_note(serve: Serve, request_of_four: PredictionInput) -> None:
    service = await serve(InstantEngine(), safety=StrictChecker(of_colour(colour(5, 0), colour(5, 3))))

    last = await service.make(request_of_four)

    assert len(last.result or ()) == 2
    assert last.notes == ("2 of 4 pictures were withheld by the safety checker.",)


async def test_a_flagged_output_is_never_stored(serve: Serve, request_of_four: PredictionInput) -> None:
    service = await serve(InstantEngine(), safety=StrictChecker(everything))

    last = await service.make(request_of_four)

    assert service.runner.outputs.find(f"{last.job_id}-0.png") is None


async def test_all_flagged_fails_in_the_words_of_the_hosted_api(serve: Serve, request_of_four: PredictionInput) -> None:
    service = await serve(InstantEngine(), safety=StrictChecker(everything))

    last = await service.make(request_of_four)

    assert last.status == Status.FAILED
    assert last.error == ALL_FLAGGED
    assert last.result is None


async def test_a_flagged_upload_fails_before_a_step_is_run(serve: Serve, request_of_four: PredictionInput) -> None:
    engine = InstantEngine()
    service = await serve(engine, safety=StrictChecker(of_colour(RED)))

    last = await service.make(request_of_four, image=upload(Image.new("RGB", (64, 64), RED)))

    assert last.status == Status.FAILED
    assert last.error is not None
    assert last.error.startswith("image: the safety checker takes it for nudity or pornography")
    assert "nothing was charged" in last.error
    assert "Choose another image" in last.error
    assert last.error != ALL_FLAGGED
    assert engine.seeds == []
    assert (await service.make(request_of_four)).status == Status.COMPLETED


async def test_a_harmless_upload_goes_through(serve: Serve, request_of_four: PredictionInput) -> None:
    engine, checker = InstantEngine(), StrictChecker()
    service = await serve(engine, safety=checker)

    last = await service.make(request_of_four, image=upload(Image.new("RGB", (64, 48), "teal")))

    assert last.status == Status.COMPLETED
    assert checker.sizes_px[0] == (64, 48)
    assert engine.seeds == [5]


async def test_with_the_switch_on_the_checker_is_never_called(serve: Serve, request_of_four: PredictionInput) -> None:
    checker = StrictChecker(everything)
    service = await serve(InstantEngine(), safety=checker)
    unchecked = request_of_four.model_copy(update={"disable_safety_checker": True})

    last = await service.make(unchecked, image=upload(Image.new("RGB", (64, 64), RED)))

    assert last.status == Status.COMPLETED
    assert len(last.result or ()) == 4
    assert (checker.prepared, checker.sizes_px) == (0, [])


async def test_without_a_checker_nothing_is_checked_and_the_service_says_so(
    serve: Serve, request_of_four: PredictionInput
) -> None:
    service = await serve(InstantEngine())

    last = await service.make(request_of_four.model_copy(update={"disable_safety_checker": True}))
    (model,) = await service.client.models()

    assert len(last.result or ()) == 4
    assert last.notes == ("Disable safety checker: no effect, this service has no safety checker, and nothing is checked.",)
    assert model.without_effect["disable_safety_checker"] == "this service has no safety checker, and nothing is checked"
    assert model.without_effect["output_quality"] == "this model has none"
    assert "disable_safety_checker" not in model.local_effect


async def test_with_a_checker_the_service_says_that_it_checks(serve: Serve) -> None:
    service = await serve(InstantEngine(), safety=StrictChecker())

    (model,) = await service.client.models()

    assert "uploads, previews and outputs are checked" in model.local_effect["disable_safety_checker"]
    assert "disable_safety_checker" not in model.without_effect


async def test_a_flagged_preview_is_left_out_and_the_prediction_goes_on(
    serve: Serve, request_of_three_steps: PredictionInput
) -> None:
    engine, checker = GatedEngine(), StrictChecker(of_colour(TEAL))
    service = await serve(engine, safety=checker)
    prediction = await service.client.create(request_of_three_steps)

    engine.allow(1)
    await until(lambda: service.runner._tasks[prediction.job_id].progress.step == 1)
    seen = (await service.client.get(prediction.job_id)).progress
    engine.allow(2)

    assert engine.previews >= 1
    assert seen is not None
    assert seen.preview is None
    assert (await service.ended(prediction)).status == Status.COMPLETED


async def test_a_preview_is_checked_before_it_is_made_small(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    checker = StrictChecker()
    service = await serve(InstantEngine(), safety=checker)

    await service.make(request_of_three_steps)

    assert checker.sizes_px[0] == (640, 480)
    assert max(checker.sizes_px[0]) > PREVIEW_SIDE_PX
    assert checker.sizes_px[-1] == (512, 512)


async def test_a_checker_that_fails_delivers_nothing(serve: Serve, request_of_four: PredictionInput) -> None:
    service = await serve(InstantEngine(), safety=BrokenChecker())

    last = await service.make(request_of_four)

    assert last.status == Status.FAILED
    assert last.error == "The safety checker stumbled. Try again."
    assert last.result is None


async def test_damaged_weights_fail_the_prediction_before_a_step_is_run(
    serve: Serve, request_of_four: PredictionInput, tmp_path: Path
) -> None:
    engine = InstantEngine()
    weights = Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))
    (weights / "classifier.onnx").write_bytes(b"damaged")
    service = await serve(engine, safety=PictureClassifier(weights))

    last = await service.make(request_of_four)
    unchecked = await service.make(request_of_four.model_copy(update={"disable_safety_checker": True}))

    assert last.status == Status.FAILED
    assert last.error == "The safety checker's file classifier.onnx is damaged. Install the playground again."
    assert unchecked.status == Status.COMPLETED
    assert len(engine.seeds) == 1


async def test_the_real_classifier_refuses_an_upload_it_flags(serve: Serve, request_of_four: PredictionInput) -> None:
    service = await serve(InstantEngine(), safety=PictureClassifier())

    refused = await service.make(request_of_four, image=upload(picture("clay")))
    taken = await service.make(request_of_four, image=upload(picture("sun")))

    assert refused.status == Status.FAILED
    assert (refused.error or "").startswith("image: the safety checker")
    assert taken.status == Status.COMPLETED
