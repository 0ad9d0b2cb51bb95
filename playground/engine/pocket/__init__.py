"""The pocket model: a small real rectified-flow text-to-image model that runs on a CPU in a second or two."""

from playground.engine.pocket.engine import PocketEngine

__all__ = ["PocketEngine"]
