"""The only reader of the environment. Each setting is documented in the README's table."""

from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

HOSTED_BASE_URL = "https://api.core.today/v1"


class Settings(BaseSettings):
    """Read from variables named PLAYGROUND_ and the setting, in capitals. An empty variable counts as not set."""

    model_config = SettingsConfigDict(env_prefix="PLAYGROUND_", frozen=True, env_ignore_empty=True)

    api_key: SecretStr | None = Field(
        default=None,
        description="Key of the hosted API. With it the page starts on the hosted model, and every visitor spends its credits.",
    )
    base_url: str = Field(
        default=HOSTED_BASE_URL, description="Where the prediction API is, ending in /v1; may be your own service."
    )
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("flux-krea-playground", appauthor=False)),
        description="Folder of the history and of the pictures that were paid for.",
    )
    presets_dir: Path | None = Field(
        default=None, description="Folder of preset files, instead of the ones that come with the playground."
    )
    workers: int = Field(default=1, ge=1, le=64, description="Pictures that the pocket model makes at the same time.")
    queue_capacity: int = Field(
        default=64, ge=1, le=10_000, description="Requests that may wait for the pocket model; more are refused."
    )
    metadata: bool = Field(
        default=True,
        description="Whether the pocket model's files carry the settings that made them; off: only the model's name.",
    )

    @field_validator("base_url")
    @classmethod
    def _http(cls, base_url: str) -> str:
        try:
            parts = urlsplit(base_url)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable:
            raise ValueError("expected an address such as https://api.example.org/v1")
        return base_url.rstrip("/")
