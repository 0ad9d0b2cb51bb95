"""What a model is and what it can do, so that the page never has to guess which one made a picture."""

from pydantic import BaseModel, ConfigDict

from playground.contract.prompt import Lexicon, Reading

HOSTED_ID = "black-forest-labs/flux-krea-dev"


class ModelInfo(BaseModel):
    """A model behind the API, as `GET /models` describes it."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    id: str
    label: str
    description: str = ""
    credits_per_request: int = 0
    prompt_hint: str = ""
    example_prompt: str = ""
    lexicon: Lexicon | None = None
    """What it reads and draws; None for a model that reads any text."""
    without_effect: dict[str, str] = {}
    """Inputs that are ignored always, each with the reason."""
    local_effect: dict[str, str] = {}
    """Inputs that act in a way of their own where this model runs, each with a sentence on it."""

    @property
    def is_free(self) -> bool:
        """Whether a request costs nothing."""
        return self.credits_per_request == 0

    def read(self, prompt: str) -> Reading:
        """What the prompt says to this model; nothing is unknown or left over where it reads any text."""
        return Reading() if self.lexicon is None else self.lexicon.read(prompt)


FLUX_KREA = ModelInfo(
    id=HOSTED_ID,
    label="FLUX.1 Krea [dev]",
    description="The hosted model: 12 billion parameters, any prompt.",
    credits_per_request=45,
    prompt_hint="Plain sentences work best: subject, place, light, and how it was photographed or drawn.",
    example_prompt="a red fox asleep in tall grass, early morning light, 35 mm photograph",
)
