"""Strangers' pictures: whatever they send, an upright RGB picture or a clear refusal."""

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from playground.errors import BadInputError
from playground.pictures import FORMATS, LARGEST_UPLOAD_BYTES, cut_to_result, picture_size, read_picture


def file_of(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def sample(kind: str) -> bytes:
    exif = Image.Exif()
    exif[274], exif[270] = 6, "turned"
    options = {} if kind in ("BMP", "GIF") else {"exif": exif}
    return file_of(Image.radial_gradient("L").resize((24, 16)).convert("RGB"), kind, **options)


def exif_turn(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind: str) -> None:
    picture = read_picture(file_of(Image.new("RGB", (40, 24), (250, 10, 10)), kind))

    assert (picture.mode, picture.size) == ("RGB", (40, 24))
    assert np.abs(np.asarray(picture, int) - (250, 10, 10)).max() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_read_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    upright = Image.new("RGB", (48, 32), "blue")
    upright.paste("red", (0, 0, 24, 16))  # the upper left quarter
    undo = {
        1: lambda p: p,
        2: lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda p: p.transpose(Image.Transpose.ROTATE_180),
        4: lambda p: p.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda p: p.transpose(Image.Transpose.TRANSPOSE),
        6: lambda p: p.transpose(Image.Transpose.ROTATE_90),
        7: lambda p: p.transpose(Image.Transpose.TRANSVERSE),
        8: lambda p: p.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    data = file_of(undo(upright), kind, exif=exif_turn(orientation), **({"quality": 95} if kind != "TIFF" else {}))
    (tmp_path / "turned").write_bytes(data)

    picture = read_picture(data)

    assert picture.size == picture_size(tmp_path / "turned") == (48, 32)
    assert np.abs(np.asarray(picture, int)[4:12, 4:20] - (255, 0, 0)).mean() < 20
    assert np.abs(np.asarray(picture, int)[20:28, 28:44] - (0, 0, 255)).mean() < 20


@pytest.mark.parametrize(
    "clear",
    [
        Image.new("RGBA", (20, 20), (200, 0, 0, 0)),
        Image.new("LA", (20, 20), (0, 0)),
        Image.new("RGBA", (20, 20), (0, 0, 0, 0)).convert("P"),
    ],
    ids=["RGBA", "LA", "palette"],
)
def test_transparency_becomes_white(clear: Image.Image) -> None:
    data = file_of(clear, transparency=0) if clear.mode == "P" else file_of(clear)

    assert read_picture(data).getpixel((10, 10)) == (255, 255, 255)


def test_half_transparency_is_mixed_with_white() -> None:
    half = file_of(Image.new("RGBA", (20, 20), (0, 0, 0, 128)))

    pixel = read_picture(half).getpixel((10, 10))

    assert isinstance(pixel, tuple)
    assert pixel == pytest.approx((127, 127, 127), abs=1)


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (20, 20), name) for name in ("red", "blue")]
    animation = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert read_picture(animation).getpixel((10, 10)) == (255, 0, 0)


def test_sixteen_bit_greys_are_scaled() -> None:
    deep = Image.fromarray(np.array([[0, 257 * 64], [257 * 128, 65535]], np.uint16))
    data = file_of(deep.resize((2, 2), Image.Resampling.NEAREST))

    assert np.asarray(read_picture(data))[:, :, 0].tolist() == [[0, 64], [128, 255]]


def test_a_print_photograph_is_read() -> None:
    printed = file_of(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG")

    pixel = read_picture(printed).getpixel((10, 10))

    assert isinstance(pixel, tuple)
    assert pixel[0] > 200 > 60 > max(pixel[1:])


@pytest.mark.parametrize(
    ("size_px", "shrunk_px", "result_px"),
    [
        ((1440, 1440), (1440, 1440), (1440, 1440)),
        ((4000, 3000), (1440, 1080), (1440, 1072)),
        ((100, 3000), (48, 1440), (48, 1440)),
        ((3000, 1), (1440, 1), (1440, 16)),
        ((50, 33), (50, 33), (48, 32)),
        ((5, 5), (5, 5), (16, 16)),
    ],
)
def test_a_picture_is_shrunk_to_fit_and_cut_to_the_model(
    size_px: tuple[int, int], shrunk_px: tuple[int, int], result_px: tuple[int, int]
) -> None:
    picture = read_picture(file_of(Image.new("RGB", size_px, "teal"), "JPEG"))

    assert picture.size == shrunk_px
    assert cut_to_result(picture).size == result_px


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(BadInputError, match="9000×8000 px is more than 40 megapixels"):
        read_picture(file_of(Image.new("1", (9000, 8000))))


def test_a_picture_beyond_pillows_own_limit_is_refused_all_the_same() -> None:
    with pytest.raises(BadInputError, match="image: "):
        read_picture(file_of(Image.new("1", (20_000, 20_000))))


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(LARGEST_UPLOAD_BYTES + 1)

    for source in (path, bytes(LARGEST_UPLOAD_BYTES + 1)):
        with pytest.raises(BadInputError, match="larger than 32 MB"):
            read_picture(source)


@pytest.mark.parametrize("data", [b"", b"text", b"%PDF-1.7", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"\x00" * 100])
def test_what_is_no_picture_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)

    for source in (data, path):
        with pytest.raises(BadInputError, match="not a readable picture"):
            read_picture(source)
    with pytest.raises(BadInputError, match="not a readable picture"):
        picture_size(path)


def test_a_file_that_has_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(BadInputError):
        picture_size(tmp_path / "gone.png")


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=150, deadline=None)
@given(damage=st.data())
def test_a_damaged_picture_is_read_or_refused_and_never_a_crash(kind: str, damage: st.DataObject) -> None:
    data = bytearray(sample(kind))
    for _ in range(damage.draw(st.integers(1, 4))):
        data[damage.draw(st.integers(0, len(data) - 1))] = damage.draw(st.integers(0, 255))
    end = damage.draw(st.sampled_from((len(data), len(data) - 1, len(data) // 2)))

    try:
        picture = read_picture(bytes(data[:end]))
    except BadInputError:
        return

    assert picture.mode == "RGB"
    assert max(picture.size) <= 1440


def test_a_tiff_whose_tags_are_of_a_wrong_type_is_refused() -> None:
    """Pillow raises struct.error and TypeError here, not one of its own errors."""
    good = file_of(Image.new("RGB", (8, 8), "red"), "TIFF")
    refused = 0
    for position in range(len(good)):
        for value in (11, 12, 255):
            data = bytearray(good)
            data[position] = value
            try:
                read_picture(bytes(data))
            except BadInputError:
                refused += 1
    assert refused > 20
