"""Links: settings as query parameters of the page's address, in the contract's own names, and back.

`?prompt=…&guidance=7` fills the form, `preset=STEM` fills it from a preset first, `lock=1` locks it, `vary=guidance` locks all
but that, `tab=…` opens a tab and `lesson=guidance` a lesson. `tab=compare` takes what differs in B as `b.guidance=7`, in
a third side C as `c.guidance=8` (`three=1` where nothing does), and `tab=sweep` its axes as `x=guidance&x_values=1,3,8` and
`y…`. A link is read by whoever has it: no picture and no key ever stands in one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from playground.contract.inputs import INPUTS, default
from playground.contract.partial import read_partial, shortened
from playground.errors import BadInputError
from playground.experiments.axis import AXIS_NAMES, LONGEST_AXIS

TABS = ("generate", "compare", "sweep", "learn", "history")
LOCKABLE = tuple(INPUTS)
LONGEST_LINK = 8000
_MOST_PARAMETERS = 64
_OTHERS = ("b.", "c.")
_OFF_HERE = "go_fast"  # comparisons and sweeps begin with it off, so their links always say how it stands
_PRESET = re.compile(r"[\w.-]{1,80}")
_YES, _NO = ("1", "true", "yes"), ("", "0", "false", "no")
_NOT_OURS = re.compile(r"__.*|view|logs|deep_link|utm_\w+|fbclid|gclid")  # Gradio's, the Space's, and those of link trackers
_SECRET_NAME = re.compile(
    r"(^|[^a-z])(api|key|token|secret|password|passwd|auth|authorization)([^a-z]|$)|apikey", re.IGNORECASE
)
_SECRET = re.compile(r"(?<![A-Za-z0-9])(?:cdt|sk|pk|hf|r8|ghp|api|key)[_-][A-Za-z0-9_-]{8,}")
_LIKE_A_KEY = "a parameter that looks like a key was not read: whoever has the link would have it"


@dataclass(frozen=True)
class Link:
    """What an address asks of the page; `problems` are sentence parts on what of it could not be followed."""

    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    preset: str | None = None
    is_locked: bool = False
    vary: tuple[str, ...] = ()
    tab: str | None = None
    lesson: str | None = None
    """The input whose lesson is opened, in the Learn tab."""
    others: tuple[Mapping[str, Any], ...] = ({},)
    """For the Compare tab: what B has otherwise than A, and what C has where there is a third side."""
    axes: tuple[tuple[str, str], ...] = ()
    """For the Sweep tab: one or two inputs and the text of their values."""
    problems: tuple[str, ...] = ()

    @property
    def locked(self) -> tuple[str, ...]:
        """The inputs that the link keeps as they are."""
        return tuple(name for name in LOCKABLE if name not in self.vary) if self.is_locked else ()

    @property
    def fills_form(self) -> bool:
        """Whether it brings settings."""
        return bool(self.inputs) or self.preset is not None


def read_link(query: Iterable[tuple[str, str]]) -> Link:
    """A page's query parameters as a link; whatever cannot be followed is named and left out."""
    pairs = list(query)
    if len(pairs) > _MOST_PARAMETERS or sum(len(name) + len(value) for name, value in pairs) > LONGEST_LINK:
        return Link(problems=(f"the link is longer than {LONGEST_LINK} characters, so nothing of it was read",))
    problems: list[str] = []
    said = _once(pairs, problems)
    vary = _vary(said.pop("vary", []), problems)
    single = {name: values[0] for name, values in said.items()}
    preset = _preset(single.pop("preset", None), problems)
    lesson = _lesson(single.pop("lesson", None), problems)
    tab = "learn" if lesson else _tab(single.pop("tab", None), problems)
    is_locked = _said_yes("lock", single, problems) or bool(vary)
    axes = _axes(single, problems)
    others, wrong = _others(single, problems)
    partial = read_partial(single)
    problems += [*partial.problems, *wrong]
    return Link(partial.inputs, preset, is_locked, vary, tab, lesson, others, axes, tuple(problems))


def write_link(
    inputs: Mapping[str, Any],
    *,
    preset: str | None = None,
    lock: bool = False,
    vary: Iterable[str] = (),
    tab: str | None = None,
) -> str:
    """The query of a link to these settings, "" or beginning with "?"; those at their default are left out.

    Raises BadInputError for settings that are not valid, hold what looks like a key, or are too long for an address.
    """
    pairs = [("preset", preset)] if preset else []
    pairs += _settings({name: value for name, value in inputs.items() if value != default(name)})
    pairs += [("vary", ",".join(vary))] if (vary := tuple(vary)) else [("lock", "1")] if lock else []
    return _query([*pairs, *([("tab", tab)] if tab else [])])


def write_comparison(a: Mapping[str, Any], *others: Mapping[str, Any]) -> str:
    """The query of a link to a comparison of A with B, and with C too. Raises BadInputError as `write_link` does."""
    pairs = _settings({name: value for name, value in a.items() if value != default(name) or name == _OFF_HERE})
    own: list[tuple[str, str]] = []
    for prefix, other in zip(_OTHERS, others, strict=False):
        own = _settings({name: value for name, value in other.items() if value != a.get(name)})
        pairs += [(prefix + name, value) for name, value in own]
    alike = [("three", "1")] if len(others) == len(_OTHERS) and not own else []
    return _query([*pairs, *alike, ("tab", "compare")])


def write_sweep(base: Mapping[str, Any], axes: Iterable[tuple[str, str]]) -> str:
    """The query of a link to a sweep. Raises BadInputError as `write_link` does."""
    plain = _settings({name: value for name, value in base.items() if value != default(name) or name == _OFF_HERE})
    pairs: list[tuple[str, str]] = []
    for letter, (name, values) in zip("xy", axes, strict=False):
        pairs += [(letter, name), (f"{letter}_values", values)] if name != "image" else [(letter, name)]
    return _query([*plain, *pairs, ("tab", "sweep")])


def _settings(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    chosen = {name: value for name, value in inputs.items() if name != "image" and value is not None}
    partial = read_partial(chosen)
    if partial.problems:
        raise BadInputError(f"{'; '.join(partial.problems)}.", advice="Correct it, then copy the link.")
    return [(name, _written(value)) for name, value in partial.inputs.items()]


def _query(pairs: list[tuple[str, str]]) -> str:
    if any(_SECRET.search(value) for _, value in pairs):
        raise BadInputError("The prompt holds what looks like a key: no link was made.", advice="Take it out of the prompt.")
    query = f"?{urlencode(pairs)}" if pairs else ""
    if len(query) > LONGEST_LINK:
        raise BadInputError(f"A link holds {LONGEST_LINK} characters.", advice="Shorten the prompt, or save a preset instead.")
    return query


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _once(pairs: list[tuple[str, str]], problems: list[str]) -> dict[str, list[str]]:
    """The values by name without others' parameters and what looks like a key; only `vary` may be said again."""
    said: dict[str, list[str]] = {}
    for name, value in pairs:
        if _NOT_OURS.fullmatch(name):
            continue
        if (name not in INPUTS and _SECRET_NAME.search(name)) or _SECRET.search(name) or _SECRET.search(value):
            problems.append(_LIKE_A_KEY)
        elif name in said and name != "vary":
            problems.append(f"{shortened(name)}: given more than once, the first counts")
        else:
            said.setdefault(name, []).append(value)
    problems[:] = list(dict.fromkeys(problems))
    return said


def _vary(values: list[str], problems: list[str]) -> tuple[str, ...]:
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if unknown := [shortened(name) for name in names if name not in LOCKABLE]:
        problems.append(f"vary: no such input as {', '.join(unknown[:3])}")
    return tuple(name for name in LOCKABLE if name in names)


def _axes(single: dict[str, str], problems: list[str]) -> tuple[tuple[str, str], ...]:
    """Taken out of `single`: the axes x and y, as far as their inputs can be varied."""
    axes: list[tuple[str, str]] = []
    for letter in "xy":
        name, values = single.pop(letter, ""), single.pop(f"{letter}_values", "")
        if name == "image" and values:
            problems.append(f"{letter}_values: a link carries no picture")
            values = ""
        if name in AXIS_NAMES and len(values) <= LONGEST_AXIS:
            axes.append((name, values))
        elif name or values:
            problems.append(f"{letter}: expected an input to vary, and {letter}_values its values")
    return tuple(axes)


def _preset(value: str | None, problems: list[str]) -> str | None:
    if value is None or _PRESET.fullmatch(value):
        return value
    problems.append("preset: expected the name of a preset file")
    return None


def _tab(value: str | None, problems: list[str]) -> str | None:
    if value is None or value in TABS:
        return value
    problems.append(f"tab: expected one of {', '.join(TABS)}")
    return None


def _lesson(value: str | None, problems: list[str]) -> str | None:
    if value is None or value in INPUTS:
        return value
    problems.append("lesson: expected the name of an input")
    return None


def _others(single: dict[str, str], problems: list[str]) -> tuple[tuple[Mapping[str, Any], ...], list[str]]:
    """Taken out of `single`: what B, and C where it is spoken of, have for themselves, and what of that is wrong."""
    has_third = _said_yes("three", single, problems) or any(name.startswith(_OTHERS[-1]) for name in single)
    found: list[Mapping[str, Any]] = []
    wrong: list[str] = []
    for prefix in _OTHERS:
        own = read_partial({name[len(prefix) :]: single.pop(name) for name in list(single) if name.startswith(prefix)})
        found.append(own.inputs)
        wrong += [prefix + problem for problem in own.problems]
    return tuple(found if has_third else found[:-1]), wrong


def _said_yes(name: str, single: dict[str, str], problems: list[str]) -> bool:
    """Taken out of `single`: whether that switch is on."""
    value = single.pop(name, "").lower()
    if value not in (*_YES, *_NO):
        problems.append(f"{name}: expected 1 or 0")
    return value in _YES
