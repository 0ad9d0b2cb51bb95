"""The training pictures: every thing in four styles, 256 px RGBA, from three MIT-licensed npm packages."""

import io
import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from playground.training import wordnet
from playground.training.world import STYLES, Thing, read_things

SIDE_PX = 256
PACKAGES = ("@lobehub/fluent-emoji-3d@1.1.0", "fluentui-emoji@1.3.0", "emojibase-data@17.0.0", wordnet.PACKAGE)
_STICKER, _RIM_PX = 0.86, 12  # a sticker's art in parts of its side, and the width of its rim
_SVG_FOLDERS = {"flat": "flat", "sticker": "modern", "line": "high-contrast"}


@dataclass(frozen=True)
class Pictures:
    """(things, styles, 256, 256, 4) uint8 RGBA, straight alpha; `things` in the same order."""

    things: list[Thing]
    rgba: npt.NDArray[np.uint8]


def fetch_packages(folder: Path) -> Path:
    """Install the npm packages under `folder`; returns their folder. Needs npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to fetch the training pictures: install Node.js, then run this again.")
    folder.mkdir(parents=True, exist_ok=True)
    packages = folder / "node_modules"
    if not all((packages / package.rpartition("@")[0]).is_dir() for package in PACKAGES):
        command = [npm, "install", "--no-save", "--ignore-scripts", "--prefix", str(folder), *PACKAGES]
        subprocess.run(command, check=True)  # noqa: S603 - a fixed list
    return packages


def draw_pictures(packages: Path) -> Pictures:
    """Every thing that exists in all four styles."""
    things: list[Thing] = []
    rows: list[npt.NDArray[np.uint8]] = []
    for thing in read_things(packages):
        drawn = [_picture(packages, thing, style) for style in STYLES]
        if all(picture is not None for picture in drawn):
            things.append(thing)
            rows.append(np.stack([np.asarray(picture) for picture in drawn if picture is not None]))
    return Pictures(things, np.stack(rows))


def save(pictures: Pictures, folder: Path) -> None:
    """Write pictures.npy and things.json."""
    np.save(folder / "pictures.npy", pictures.rgba)
    (folder / "things.json").write_text(json.dumps([asdict(thing) for thing in pictures.things]), "utf-8")


def load(folder: Path, count: int | None = None) -> Pictures:
    """The first `count` things that `save` wrote."""
    listed: list[dict[str, Any]] = json.loads((folder / "things.json").read_text("utf-8"))[:count]
    things = [Thing(one["name"], one["category"], tuple(one["tags"]), one["hexcode"]) for one in listed]
    return Pictures(things, np.load(folder / "pictures.npy", mmap_mode="r")[:count])


def _picture(packages: Path, thing: Thing, style: str) -> Image.Image | None:
    path = _path(packages, thing, style)
    if path is None:
        return None
    if path.suffix == ".webp":
        picture = Image.open(path)
    else:
        import resvg_py

        svg: Any = resvg_py.svg_to_bytes(svg_string=path.read_text("utf-8"), width=SIDE_PX, height=SIDE_PX)
        picture = Image.open(io.BytesIO(bytes(svg)))
    picture = picture.convert("RGBA").resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    return die_cut(picture) if style == "sticker" else picture


def die_cut(picture: Image.Image) -> Image.Image:
    """The picture with a white rim and a soft shadow: shading alone tells two styles apart too poorly for a judge."""
    inner_px = round(SIDE_PX * _STICKER)
    margin_px = (SIDE_PX - inner_px) // 2
    art = Image.new("RGBA", picture.size)
    art.paste(picture.resize((inner_px, inner_px), Image.Resampling.LANCZOS), (margin_px, margin_px))
    spread = art.getchannel("A").filter(ImageFilter.GaussianBlur(_RIM_PX / 1.5))
    rim = spread.point([min(255, max(0, (level - 14) * 12)) for level in range(256)])
    shadow = ImageChops.offset(rim, 0, _RIM_PX // 3).filter(ImageFilter.GaussianBlur(_RIM_PX / 3))
    black, white = Image.new("RGBA", picture.size), Image.new("RGBA", picture.size, "white")
    black.putalpha(shadow.point([level * 2 // 5 for level in range(256)]))
    white.putalpha(rim)
    return Image.alpha_composite(Image.alpha_composite(black, white), art)


def _path(packages: Path, thing: Thing, style: str) -> Path | None:
    if style == "3d":
        folder = packages / "@lobehub" / "fluent-emoji-3d" / "assets"
        names = [f"{code}.webp" for code in (thing.hexcode, thing.hexcode.replace("-fe0f", ""), f"{thing.hexcode}-fe0f")]
    else:
        folder = packages / "fluentui-emoji" / "icons" / _SVG_FOLDERS[style]
        names = [f"{name}.svg" for name in (thing.slug, f"{thing.slug}-default")]
    return next((folder / name for name in names if (folder / name).exists()), None)
