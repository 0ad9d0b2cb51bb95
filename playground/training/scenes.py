"""Random captioned scenes, and their drawing: one or two things in a style, a size and a place on a coloured background."""

import random
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground.contract.effects import pixel_size
from playground.training.pictures import SIDE_PX, Pictures
from playground.training.world import STYLES

COLORS = {
    "white": (255, 255, 255),
    "black": (15, 15, 15),
    "red": (220, 50, 50),
    "blue": (60, 110, 220),
    "green": (60, 170, 90),
    "yellow": (250, 210, 60),
    "purple": (140, 80, 200),
    "orange": (245, 150, 50),
    "pink": (250, 150, 190),
    "teal": (40, 160, 160),
    "gray": (150, 150, 150),
    "cream": (250, 240, 215),
    "navy": (25, 40, 90),
    "brown": (130, 90, 60),
}
PLACES = ("left", "right", "top", "bottom")
SIZES = ("small",)
PX_PER_TOKEN = 16
_DARK_INK, _LIGHT_INK = 33 / 255, 245 / 255
_SHADE = 14  # of 255: how far a background may be from its colour's name


@dataclass(frozen=True)
class Scene:
    """What a picture shows. Numbers of things are those of `Pictures.things`; None means that the caption is silent."""

    things: tuple[int, ...]
    style: str
    color: str
    small: bool = False
    place: str | None = None


@dataclass(frozen=True)
class Placed:
    """A thing's side and centre, in units of the picture's shorter side; the centre is 0 in the middle."""

    side: float
    x: float
    y: float


def grid(aspect_ratio: Any, tokens: int) -> tuple[int, int]:
    """(rows, cols) of about `tokens` tokens in one of the API's shapes."""
    width_px, height_px = pixel_size(aspect_ratio, "1")
    side = tokens**0.5 / 1024
    return max(1, round(height_px * side)), max(1, round(width_px * side))


def is_held_out(thing: int, style: str, color: str) -> bool:
    """Whether this combination is kept from training, so that the evaluation can ask for it: one in a hundred."""
    return zlib.crc32(f"{thing} {style} {color}".encode()) % 100 == 0


def random_scene(rng: random.Random, count: int, rows: int, cols: int) -> Scene:
    """A scene that a caption can describe: 35 % show two things, 25 % of the others a small one; places where there is room."""
    style, color = rng.choice(STYLES), rng.choice(list(COLORS))
    things = tuple(rng.randrange(count) for _ in range(2 if rng.random() < 0.35 else 1))
    if any(is_held_out(thing, style, color) for thing in things):
        return random_scene(rng, count, rows, cols)
    if len(things) == 2:
        return Scene(things, style, color)
    scene = Scene(things, style, color, small=rng.random() < 0.25)
    sideways, up = _room(scene, rows, cols)
    places = [*(("left", "right") if sideways > 0.3 else ()), *(("top", "bottom") if up > 0.3 else ())]
    return replace(scene, place=rng.choice(places)) if places and rng.random() < 0.6 else scene


def place(rng: random.Random, scene: Scene, rows: int, cols: int) -> list[Placed]:
    """Where each thing stands: two side by side, or one above the other in tall pictures."""
    short = min(rows, cols)
    width, height = cols / short, rows / short
    if len(scene.things) == 2:
        above = height > 1.3 * width
        along = height if above else width
        sides = [min(1.0, along / 2) * rng.uniform(0.84, 0.97) for _ in scene.things]
        centres = [sign * along / 4 + rng.uniform(-0.02, 0.02) for sign in (-1, 1)]
        if above:
            return [Placed(side, rng.uniform(-0.03, 0.03), at) for side, at in zip(sides, centres, strict=True)]
        return [Placed(side, at, rng.uniform(-0.03, 0.03)) for side, at in zip(sides, centres, strict=True)]
    side = rng.uniform(0.42, 0.56) if scene.small else rng.uniform(0.78, 0.98)
    x, y = rng.uniform(-0.03, 0.03), rng.uniform(-0.03, 0.03)
    reach = rng.uniform(0.6, 0.92)
    sideways, up = reach * (width - side) / 2, reach * (height - side) / 2
    x = {"left": -sideways, "right": sideways}.get(scene.place or "", x)
    y = {"top": -up, "bottom": up}.get(scene.place or "", y)
    return [Placed(side, x, y)]


def _room(scene: Scene, rows: int, cols: int) -> tuple[float, float]:
    short, side = min(rows, cols), 0.5 if scene.small else 0.9
    return cols / short - side, rows / short - side


class Painter:
    """Draws scenes from the training pictures, premultiplied and kept at three sizes so that small things do not alias."""

    def __init__(self, pictures: Pictures) -> None:
        self._full = pictures.rgba
        self._halves: dict[int, Tensor] = {}
        for side_px in (SIDE_PX // 2, SIDE_PX // 4):
            rows = [F.avg_pool2d(_premultiplied(row), SIDE_PX // side_px) for row in self._full]
            self._halves[side_px] = torch.stack([(row * 255).round().to(torch.uint8) for row in rows])

    def draw(self, scenes: list[Scene], rows: int, cols: int, rng: random.Random) -> Tensor:
        """(b, 3, 16·rows, 16·cols) float in −1…1; the random source moves and shades what the captions leave open."""
        placed = [place(rng, scene, rows, cols) for scene in scenes]
        shades = [tuple(_shaded(channel, rng) for channel in COLORS[scene.color]) for scene in scenes]
        return self.draw_placed(scenes, placed, rows, cols, shades)

    def draw_placed(
        self, scenes: list[Scene], places: list[list[Placed]], rows: int, cols: int, shades: list[tuple[int, ...]] | None = None
    ) -> Tensor:
        """The same with every thing where `places` puts it and, if not given, backgrounds of exactly the named colours."""
        height_px, width_px = rows * PX_PER_TOKEN, cols * PX_PER_TOKEN
        ground = torch.tensor(shades or [COLORS[scene.color] for scene in scenes]) / 255
        picture = ground[:, :, None, None].expand(-1, -1, height_px, width_px).clone()
        layers: dict[tuple[int, int], list[tuple[int, int, Placed]]] = {}
        for index, scene in enumerate(scenes):
            for layer, (thing, placed) in enumerate(zip(scene.things, places[index], strict=True)):
                wanted_px = placed.side * min(height_px, width_px)
                side_px = next((side for side in sorted(self._halves) if side >= 0.8 * wanted_px), SIDE_PX)
                layers.setdefault((layer, side_px), []).append((index, thing, placed))
        light = (ground * torch.tensor([0.299, 0.587, 0.114])).sum(1) > 0.45
        for (_, side_px), members in sorted(layers.items()):
            where = torch.tensor([index for index, _, _ in members])
            textures = self._textures(side_px, [(thing, STYLES.index(scenes[index].style)) for index, thing, _ in members])
            lined = torch.tensor([scenes[index].style == "line" for index, _, _ in members])
            ink = torch.where(light[where], _DARK_INK, _LIGHT_INK)[:, None, None, None]
            textures[:, :3] = torch.where(lined[:, None, None, None], textures[:, 3:] * ink, textures[:, :3])
            drawn = _moved(textures, [placed for _, _, placed in members], height_px, width_px)
            picture[where] = drawn[:, :3] + picture[where] * (1 - drawn[:, 3:])
        return picture * 2 - 1

    def _textures(self, side_px: int, which: list[tuple[int, int]]) -> Tensor:
        if side_px == SIDE_PX:
            return torch.stack([_premultiplied(self._full[thing, style][None])[0] for thing, style in which])
        things, styles = zip(*which, strict=True)
        return self._halves[side_px][list(things), list(styles)].float() / 255


def _shaded(channel: int, rng: random.Random) -> int:
    return min(255, max(0, channel + rng.randint(-_SHADE, _SHADE)))


def _premultiplied(rgba: Any) -> Tensor:
    """(b, h, w, 4) uint8 to (b, 4, h, w) float in 0…1, colours times alpha."""
    tensor = torch.from_numpy(np.array(rgba)).permute(0, 3, 1, 2).float() / 255
    tensor[:, :3] *= tensor[:, 3:]
    return tensor


def _moved(textures: Tensor, placed: list[Placed], height_px: int, width_px: int) -> Tensor:
    """Textures (b, 4, s, s) scaled and moved onto an empty (b, 4, height, width)."""
    short = min(height_px, width_px)
    theta = torch.zeros(len(placed), 2, 3)
    side = torch.tensor([one.side for one in placed])
    theta[:, 0, 0] = width_px / short / side
    theta[:, 1, 1] = height_px / short / side
    theta[:, 0, 2] = -2 * torch.tensor([one.x for one in placed]) / side
    theta[:, 1, 2] = -2 * torch.tensor([one.y for one in placed]) / side
    where = F.affine_grid(theta, [len(placed), 4, height_px, width_px], align_corners=False)
    return F.grid_sample(textures, where, align_corners=False, padding_mode="zeros")
