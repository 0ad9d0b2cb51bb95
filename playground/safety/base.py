"""The SafetyChecker protocol: what the service asks before it takes or shows a picture."""

from typing import Protocol

from PIL.Image import Image


class SafetyChecker(Protocol):
    """Says of a picture whether it must be withheld. Both methods run in worker threads, several at once.

    A picture that could not be checked must not be delivered: whoever asks lets the EngineError end the prediction.
    """

    def prepare(self) -> None:
        """Load what checking needs, so that its absence is found before a picture is made. Raises EngineError."""
        ...

    def is_flagged(self, picture: Image) -> bool:
        """Whether this RGB picture, of any size, must be withheld. Raises EngineError."""
        ...
