"""The packaged SafetyChecker: a small image classifier on the CPU, which needs no download; see weights/README.md."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from playground.weights import open_session, run_session, verify

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")
UNSAFE = ("hentai", "porn", "sexy")
"""`sexy` counts: the classifier was taught to put nude photographs there, next to swimwear and underwear."""

THRESHOLD = 0.7
"""The share of UNSAFE from which a picture is flagged.

Of 1123 harmless pictures like the pocket model's, none reached 0.52; skin-coloured shapes and pictures taken through a
microscope begin to cross 0.6. How much of what should be flagged falls below it was not measured.
"""

_WEIGHTS = Path(__file__).parent / "weights"
_SIDE_PX = 224


class PictureClassifier:
    """The classifier. Its weights are loaded at the first `prepare` or picture, not before."""

    def __init__(self, folder: Path = _WEIGHTS) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._session: InferenceSession | None = None

    def prepare(self) -> None:
        """Load and verify the weights. Raises EngineError if they are missing or not what was published."""
        self._ready()

    def is_flagged(self, picture: Image.Image) -> bool:
        """Whether the shares of UNSAFE add up to THRESHOLD or more. Raises EngineError as `prepare` does."""
        shares = self.shares(picture)
        return sum(shares[name] for name in UNSAFE) >= THRESHOLD

    def shares(self, picture: Image.Image) -> dict[str, float]:
        """How much the picture looks like each of CLASSES; they add up to 1. Raises EngineError as `prepare` does."""
        import numpy as np

        # Squeezed into a square whatever its shape, as the classifier was taught.
        small = picture.convert("RGB").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)
        x = np.asarray(small, np.float32).transpose(2, 0, 1)[None] / 255
        return dict(zip(CLASSES, run_session(self._ready(), {"x": x})[0].tolist(), strict=True))

    def _ready(self) -> "InferenceSession":
        with self._loading:
            if self._session is None:
                verify(self._folder, owner="The safety checker")
                self._session = open_session(self._folder / "classifier.onnx")
            return self._session
