"""What the pocket model is taught: the things, their categories and other names, read from emojibase-data (MIT)."""

import json
import re
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

STYLES = ("3d", "flat", "sticker", "line")

CATEGORIES = {
    "animal-mammal": "animal",
    "animal-bird": "bird",
    "animal-amphibian": "animal",
    "animal-reptile": "reptile",
    "animal-marine": "sea animal",
    "animal-bug": "insect",
    "plant-flower": "flower",
    "plant-other": "plant",
    "food-fruit": "fruit",
    "food-vegetable": "vegetable",
    "food-prepared": "food",
    "food-asian": "food",
    "food-sweet": "dessert",
    "drink": "drink",
    "dishware": "kitchenware",
    "place-geographic": "landscape",
    "place-building": "building",
    "place-religious": "building",
    "transport-ground": "vehicle",
    "transport-water": "boat",
    "transport-air": "aircraft",
    "sky-weather": "sky",
    "event": "celebration",
    "award-medal": "award",
    "sport": "sport",
    "game": "game",
    "clothing": "clothing",
    "music": "music",
    "musical-instrument": "instrument",
    "face-smiling": "face",
    "face-glasses": "face",
    "face-hat": "face",
    "face-costume": "character",
    "monkey-face": "monkey",
    "time": "clock",
    "phone": "device",
    "computer": "device",
    "light-video": "device",
    "book-paper": "book",
    "money": "money",
    "writing": "pen",
    "office": "office supply",
    "lock": "lock",
    "tool": "tool",
    "science": "science",
    "medical": "medicine",
    "household": "household object",
    "body-parts": "body part",
    "heart": "heart",
    "hotel": "luggage",
    "arts-crafts": "craft",
}
"""emojibase subgroup → the word that a caption may use for any of its things."""

_LEFT_OUT = re.compile(
    r"button|sign|stop|paw prints|o’clock|thirty|oncoming|envelope|mailbox|tray|document|page|banknote|moon (?!face)|"
    r"sun behind|cloud with|globe|japan|post office|department|convenience|love hotel|hotel|bank|map|cigarette|kimono|"
    r"briefs|bikini|swimsuit|lipstick|guide dog|service dog|front-facing|person|man’s|woman’s|flower playing|mahjong|joker|"
    r"suit$|departure|arrival|airport|seat|railway track|motorway|bus stop|railway car|tram car|trolley|minibus|light rail|"
    r"monorail|mountain railway|suspension|cableway|tramway|metro|high-speed|construction|traffic light|police car light|"
    r"water buffalo|^ox$|^ram$|^ewe$|two-hump|without|microbe|fly$|cockroach|^bug$|beetle$|cricket$|rosette|wilted|"
    r"curry|cooked rice|shallow pan|steaming bowl|clinking|pouring|sake|fork and knife with|with diagonal|"
    r"label|ledger|with decorative|bookmark|chart|card index|file |folder|notepad|tear-off|linked|round pushpin|"
    r"with pen|with key|unlocked|old key|hammer and|white cane|placard|children|hourglass not|small airplane|"
    r"with halo|grinning face with|grinning squinting|beaming|rolling on|tears|slightly|upside|disguised|monocle|"
    r"heart with|two hearts|revolving|beating|growing|decoration|exclamation|light blue|grey heart|white heart|black heart|"
    r"mending|mobile phone with|receiver|pager|fax|trackball|optical|videocassette|tilted right|with flash|low battery|"
    r"goggles|lab coat|safety vest|sari|clutch|sandal|ballet|flat shoe|hair pick|prayer|running shirt|martial|"
    r"sun with face|wind face|fog|cyclone|umbrella with rain|umbrella on|milky|ice hockey|field hockey|lacrosse|softball|"
    r"rugby|with swirl|oden|dango|tamale|flatbread|peanuts|beans|ginger|pea pod|salt|mate$|amphora|fish cake|"
    r"kaaba|hindu|synagogue|shinto|muted|volume|carp streamer|tanabata|pine dec|moon viewing|admission|reminder|"
    r"2nd|3rd|military|mouth|tongue|biting|lungs|anatomical|leg$|^ear|^nose|body part|identification|roll of paper|"
    r"white flower|plunger|mouse trap|hook$|clamp|nut and bolt|link$|chains|crutch|x-ray|petri|alembic|lotion|safety pin|sponge"
)

FIRST = [
    "red apple",
    "green apple",
    "banana",
    "strawberry",
    "grapes",
    "watermelon",
    "lemon",
    "tangerine",
    "pineapple",
    "cherries",
    "peach",
    "avocado",
    "carrot",
    "tomato",
    "mushroom",
    "bread",
    "cheese wedge",
    "hamburger",
    "pizza",
    "french fries",
    "hot dog",
    "taco",
    "sushi",
    "egg",
    "doughnut",
    "cookie",
    "birthday cake",
    "cupcake",
    "ice cream",
    "lollipop",
    "hot beverage",
    "teapot",
    "cat face",
    "dog face",
    "fox",
    "rabbit face",
    "bear",
    "panda",
    "koala",
    "lion",
    "tiger face",
    "cow face",
    "pig face",
    "frog",
    "monkey face",
    "unicorn",
    "mouse face",
    "owl",
    "penguin",
    "chicken",
    "baby chick",
    "duck",
    "parrot",
    "flamingo",
    "fish",
    "tropical fish",
    "whale",
    "dolphin",
    "shark",
    "octopus",
    "crab",
    "turtle",
    "snail",
    "butterfly",
    "honeybee",
    "lady beetle",
    "spider",
    "elephant",
    "giraffe",
    "dragon face",
    "deciduous tree",
    "evergreen tree",
    "palm tree",
    "cactus",
    "sunflower",
    "tulip",
    "rose",
    "cherry blossom",
    "four leaf clover",
    "maple leaf",
    "sun",
    "full moon",
    "crescent moon",
    "star",
    "cloud",
    "rainbow",
    "snowman",
    "fire",
    "volcano",
    "mountain",
    "house",
    "castle",
    "camping",
    "automobile",
    "bus",
    "train",
    "bicycle",
    "motorcycle",
    "airplane",
    "rocket",
    "helicopter",
    "sailboat",
    "flying saucer",
    "robot",
    "ghost",
    "alien",
    "smiling face with sunglasses",
    "grinning face",
    "winking face",
    "partying face",
    "soccer ball",
    "basketball",
    "guitar",
    "trumpet",
    "drum",
    "violin",
    "crown",
    "top hat",
    "umbrella",
    "gem stone",
    "pear",
    "blueberries",
    "kiwi fruit",
    "eggplant",
    "broccoli",
    "hot pepper",
    "coconut",
    "croissant",
    "pancakes",
    "popcorn",
    "chocolate bar",
    "candy",
    "honey pot",
    "soft ice cream",
    "sandwich",
    "zebra",
    "hippopotamus",
    "wolf",
    "raccoon",
    "hedgehog",
    "polar bear",
    "kangaroo",
    "camel",
    "deer",
    "horse",
    "swan",
    "peacock",
    "eagle",
    "rooster",
    "snake",
    "crocodile",
    "t-rex",
    "squid",
    "jellyfish",
    "lobster",
    "scorpion",
    "bat",
    "hibiscus",
    "potted plant",
    "snowflake",
    "high voltage",
    "droplet",
    "ringed planet",
    "tornado",
    "light bulb",
    "candle",
    "key",
    "hammer",
    "scissors",
    "pencil",
    "open book",
    "camera",
    "television",
    "laptop",
    "alarm clock",
    "hourglass done",
    "telescope",
    "magnet",
    "gear",
    "anchor",
    "balloon",
    "wrapped gift",
    "teddy bear",
    "trophy",
    "backpack",
    "sunglasses",
    "t-shirt",
    "high-heeled shoe",
    "shield",
    "christmas tree",
    "jack-o-lantern",
    "red heart",
    "game die",
    "microphone",
    "saxophone",
    "chair",
    "fire engine",
    "tractor",
    "delivery truck",
    "police car",
]
"""The things that come first in the world's order; a smaller world keeps the first ones of the order."""


@dataclass(frozen=True)
class Thing:
    """One concept: its name in captions, its category, other names, and its Unicode code points as emojibase writes them."""

    name: str
    category: str
    tags: tuple[str, ...]
    hexcode: str

    @property
    def slug(self) -> str:
        """The name as the SVG packages write it in file names."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.replace("’", "").replace("'", "")).strip("-")


def read_things(packages: Path) -> list[Thing]:
    """All things worth drawing, in the world's order, from the npm package emojibase-data in `packages`."""
    data = packages / "emojibase-data" / "en"
    subgroups = {group["order"]: group["key"] for group in json.loads((data / "messages.json").read_text("utf-8"))["subgroups"]}
    things: list[Thing] = []
    for emoji in json.loads((data / "data.json").read_text("utf-8")):
        name, category = emoji["label"].lower(), CATEGORIES.get(subgroups.get(emoji.get("subgroup"), ""))
        if category and (name in FIRST or not _LEFT_OUT.search(name)):
            things.append(Thing(name, category, tuple(tag.lower() for tag in emoji.get("tags", ())), emoji["hexcode"].lower()))
    rank = {name: place for place, name in enumerate(FIRST)}
    # After the first ones, shuffled the same way each time: a smaller world then has some of every category.
    return sorted(things, key=lambda thing: (rank.get(thing.name, len(rank)), zlib.crc32(thing.name.encode())))


def groups(things: list[Thing]) -> dict[str, list[int]]:
    """Words that name several things, with the things' numbers: categories, head nouns ("tree") and shared tags."""
    members: dict[str, set[int]] = defaultdict(set)
    for number, thing in enumerate(things):
        for word in {thing.category, thing.name.split()[-1], *thing.tags}:
            members[word].add(number)
    names = {thing.name for thing in things}
    return {
        word: sorted(numbers)
        for word, numbers in sorted(members.items())
        if word not in names and (len(numbers) >= 3 or word in CATEGORIES.values()) and re.fullmatch(r"[a-z][a-z -]+", word)
    }


def aliases(things: list[Thing]) -> dict[str, str]:
    """Other names of single things: a tag or head noun that belongs to one thing alone, and to no group."""
    owners: dict[str, set[str]] = defaultdict(set)
    for thing in things:
        words = thing.name.split()
        shorter = thing.name.removesuffix(" face") if len(words) > 1 else thing.name
        for word in {shorter, words[-1], *thing.tags}:
            owners[word].add(thing.name)
    taken = {thing.name for thing in things} | set(groups(things))
    return {word: next(iter(names)) for word, names in sorted(owners.items()) if len(names) == 1 and word not in taken}
