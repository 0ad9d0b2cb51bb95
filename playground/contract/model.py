"""What a model is and what it can do, so that the page never has to guess which one made a picture."""

import re

from pydantic import BaseModel, ConfigDict

STOP_WORDS = frozenset({"a", "an", "the", "of", "on", "with", "in", "and"})
HOSTED_ID = "black-forest-labs/flux-krea-dev"


def content_words(prompt: str) -> list[str]:
    """The prompt's lower-case words without punctuation and stop words, in order."""
    return [word for word in re.findall(r"[^\W_]+", prompt.lower()) if word not in STOP_WORDS]


class ModelInfo(BaseModel):
    """A model behind the API, as `GET /models` describes it."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    id: str
    label: str
    description: str = ""
    credits_per_request: int = 0
    prompt_hint: str = ""
    example_prompt: str = ""
    things: tuple[str, ...] = ()
    """What it was taught to draw, where that is a list."""
    known_words: frozenset[str] | None = None
    """Lower-case vocabulary; None for a model that reads any text."""
    vague_words: frozenset[str] = frozenset()
    """Words of the vocabulary that were only now and then in the training captions: no promise of a picture."""
    max_words: int | None = None
    """Known words past this many are not read; None for no limit of this kind."""
    without_effect: dict[str, str] = {}
    """Inputs that are ignored always, each with the reason."""
    local_effect: dict[str, str] = {}
    """Inputs that act in a way of their own where this model runs, each with a sentence on it."""

    @property
    def is_free(self) -> bool:
        """Whether a request costs nothing."""
        return self.credits_per_request == 0

    def unknown_words(self, prompt: str) -> list[str]:
        """Words of the prompt that mean nothing to this model, each once, in order."""
        if self.known_words is None:
            return []
        return list(dict.fromkeys(word for word in content_words(prompt) if word not in self.known_words))

    def vaguely_known_words(self, prompt: str) -> list[str]:
        """Words of the prompt that this model reads but hardly knows, each once, in order."""
        return list(dict.fromkeys(word for word in content_words(prompt) if word in self.vague_words))

    def unread_words(self, prompt: str) -> list[str]:
        """Known words that come after the last one this model reads."""
        if self.known_words is None or self.max_words is None:
            return []
        return [word for word in content_words(prompt) if word in self.known_words][self.max_words :]


FLUX_KREA = ModelInfo(
    id=HOSTED_ID,
    label="FLUX.1 Krea [dev]",
    description="The hosted model: 12 billion parameters, any prompt.",
    credits_per_request=45,
    prompt_hint="Plain sentences work best: subject, place, light, and how it was photographed or drawn.",
    example_prompt="a red fox asleep in tall grass, early morning light, 35 mm photograph",
)
