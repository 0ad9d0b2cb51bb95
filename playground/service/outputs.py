"""Finished pictures as files: encoding, what is written into them, and how long they stay."""

import base64
import json
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.ExifTags import Base as Exif

from playground.contract.inputs import PredictionInput
from playground.errors import StorageError

PREVIEW_SIDE_PX = 320
_LONGEST_EXIF_PROMPT = 5000  # escaped twelvefold at worst; the EXIF of a jpg ends at 64 kB
_PILLOW_FORMATS = {"webp": "WEBP", "jpg": "JPEG", "png": "PNG"}


def encode(
    picture: Image.Image,
    request: PredictionInput,
    *,
    model_id: str,
    seed: int,
    from_image: bool = False,
    with_settings: bool = True,
) -> bytes:
    """The file that is delivered: in `output_format`, at `output_quality`, saying which model made it and from what.

    Without settings it still names the model: a picture of the small one must not pass for one of the large one.
    """
    exif = Image.Exif()
    exif[Exif.Software] = f"FLUX.1 Krea playground, model {model_id}"
    if with_settings:
        exif[Exif.ImageDescription] = _made_from(request, model_id=model_id, seed=seed, from_image=from_image)
    buffer = BytesIO()
    options = {} if request.output_format == "png" else {"quality": request.output_quality}
    picture.save(buffer, _PILLOW_FORMATS[request.output_format], exif=exif, **options)
    return buffer.getvalue()


def _made_from(request: PredictionInput, *, model_id: str, seed: int, from_image: bool) -> str:
    """The model and the 12 inputs besides the image as JSON: enough to make the picture again, and nothing of who asked."""
    prompt = request.prompt[:_LONGEST_EXIF_PROMPT]
    made_from: dict[str, Any] = {
        "model": model_id,
        "input": request.model_dump(exclude={"image"}) | {"prompt": prompt, "seed": seed},
    }
    if from_image:
        made_from["from_image"] = True
    if len(prompt) < len(request.prompt):
        made_from["prompt_is_cut"] = True
    return json.dumps(made_from)


def preview_uri(picture: Image.Image) -> str:
    """A small webp of the picture as a data URI of a few kilobytes."""
    small = picture.copy()
    small.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=70, method=0)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


class OutputFolder:
    """A temporary folder of delivered files; each is removed `lifetime_s` after it was written, all of them at `close`."""

    def __init__(self, *, lifetime_s: float = 3600.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="playground-outputs-")
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._written_s: dict[str, float] = {}
        self._lock = threading.Lock()  # worker threads write while the event loop reads and prunes

    def write(self, name: str, data: bytes) -> None:
        """Store one file. Raises StorageError if the disk refuses."""
        try:
            (Path(self._folder.name) / name).write_bytes(data)
        except OSError as error:
            raise StorageError(
                f"The finished picture could not be stored ({error.strerror}).", advice="Free some disk space, then try again."
            ) from error
        with self._lock:
            self._written_s[name] = self._clock()

    def find(self, name: str) -> Path | None:
        """The file of that name if it was written here and has not expired."""
        self.prune()
        path = Path(self._folder.name) / name
        return path if name in self._written_s and path.is_file() else None

    def prune(self) -> None:
        """Remove what has expired."""
        now_s = self._clock()
        with self._lock:
            expired = [name for name, written_s in self._written_s.items() if now_s - written_s > self._lifetime_s]
            for name in expired:
                del self._written_s[name]
        for name in expired:
            with suppress(OSError):  # where a file being read cannot be removed, `close` removes it
                (Path(self._folder.name) / name).unlink()

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            self._written_s.clear()
        self._folder.cleanup()
