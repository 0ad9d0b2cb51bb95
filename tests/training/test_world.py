"""What the model is taught: names, groups and other names of the things."""

import json
from pathlib import Path

import pytest
from PIL import Image

from playground.training import pictures, world
from playground.training.captions import WORDS, Captioner, Vocabulary
from playground.training.scenes import Scene
from tests.training.conftest import THINGS


def test_a_group_names_three_things_or_a_category() -> None:
    assert world.groups(THINGS) == {"food": [0, 1, 2], "fruit": [0, 1, 2], "game": [3]}


def test_an_alias_names_one_thing_alone() -> None:
    assert world.aliases(THINGS) == {"flying": "kite"}


def test_the_slug_is_the_packages_file_name() -> None:
    assert world.Thing("rescue worker’s helmet", "clothing", (), "").slug == "rescue-workers-helmet"
    assert world.Thing("jack-o-lantern", "celebration", (), "").slug == "jack-o-lantern"


def test_things_are_read_in_the_same_order_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "emojibase-data" / "en"
    folder.mkdir(parents=True)
    labels = ["spoon", "Banana", "stop button", "kite", "red apple"]
    emoji = [{"label": label, "hexcode": str(place), "subgroup": 7, "tags": ["x"]} for place, label in enumerate(labels)]
    (folder / "data.json").write_text(json.dumps([*emoji, {"label": "an ungrouped one", "hexcode": "9"}]))
    (folder / "messages.json").write_text(json.dumps({"subgroups": [{"order": 7, "key": "food-fruit"}]}))

    names = [thing.name for thing in world.read_things(tmp_path)]

    assert names[:2] == ["red apple", "banana"]
    assert sorted(names[2:]) == ["kite", "spoon"]


def test_ids_stand_for_silence_things_and_groups_in_this_order() -> None:
    assert Vocabulary(THINGS).names == ["", "red apple", "green apple", "pear", "kite", "food", "fruit", "game"]
    assert Vocabulary(THINGS).groups_of == [[5, 6], [5, 6], [5, 6], [7]]


@pytest.mark.parametrize("seed", range(20))
def test_a_caption_says_only_what_the_scene_shows(seed: int) -> None:
    import random

    scene = Scene((1, 3), "flat", "teal")

    words, things = Captioner(Vocabulary(THINGS).groups_of).caption(scene, random.Random(seed))

    said = [WORDS[word] for word in words]
    assert set(said) <= {"", "flat", "teal"}
    assert things[0] in {2, 5, 6}
    assert things[1] in {4, 7}


def test_pictures_come_back_as_they_were_saved(world: Path) -> None:
    found = pictures.load(world, 2)

    assert found.things == THINGS[:2]
    assert found.rgba.shape == (2, 4, 256, 256, 4)


def test_a_sticker_has_a_white_rim_that_stays_within_its_picture() -> None:
    square = Image.new("RGBA", (pictures.SIDE_PX, pictures.SIDE_PX), "red")

    sticker = pictures.die_cut(square)

    middle, rim, corner = (sticker.getpixel((at, at if at == 0 else 128)) for at in (128, 12, 0))
    assert middle == (255, 0, 0, 255)
    assert rim == (255, 255, 255, 255)
    assert isinstance(corner, tuple)
    assert corner[3] < 10
