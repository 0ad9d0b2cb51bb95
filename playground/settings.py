"""The only reader of the environment. Each setting is documented in the README's table."""

from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

HOSTED_BASE_URL = "https://api.core.today/v1"


class Settings(BaseSettings):
    """Read from variables named PLAYGROUND_ and the setting, in capitals. An empty variable counts as not set."""

    model_config = SettingsConfigDict(env_prefix="PLAYGROUND_", frozen=True, env_ignore_empty=True, env_parse_none_str="none")

    api_key: SecretStr | None = Field(
        default=None,
        description="Key of the hosted API. With it the page starts on the hosted model, and every visitor spends its credits.",
    )
    public: bool | None = Field(
        default=None, description="Whether strangers can open the page; say it where a server of your own stands before it."
    )
    share_key: bool | None = Field(
        default=None, description="Whether visitors may use the owner's key. By default only where the page is not public."
    )
    visitor_credits_per_hour: int | None = Field(
        default=180, ge=0, description="Of the owner's credits, what one visitor of a public page may spend an hour."
    )
    credits_per_hour: int | None = Field(
        default=1800, ge=0, description="Of the owner's credits, what all visitors of a public page may spend an hour."
    )
    credits_total: int | None = Field(
        default=None, ge=0, description="Of the owner's credits, what all visitors may ever spend; counted in the history."
    )
    sweep_cells: int = Field(default=300, ge=1, le=300, description="Pictures that one sweep makes at most.")
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
    history_days: float | None = Field(
        default=30, ge=0, description="Days that free pictures stay in the history; `none`: for ever. Favourites stay."
    )
    history_mb: float | None = Field(
        default=2000, ge=0, description="Size of the history in MB; beyond it the oldest free pictures go. `none`: no limit."
    )
    paid_history_days: float | None = Field(
        default=None, ge=0, description="Days that paid pictures stay; `none`: until their visitor deletes them."
    )
    metadata: bool = Field(
        default=True,
        description="Whether the pocket model's files carry the settings that made them; off: only the model's name.",
    )

    server_name: str = Field(default="", validation_alias="GRADIO_SERVER_NAME")
    space_id: str = Field(default="", validation_alias="SPACE_ID")
    gradio_share: str = Field(default="", validation_alias="GRADIO_SHARE")
    root_path: str = Field(default="", validation_alias="GRADIO_ROOT_PATH")

    @property
    def is_public(self) -> bool:
        """Whether strangers can open the page: on a Space, behind a server or a share link, or on more than this machine."""
        if self.public is not None:
            return self.public
        is_served = bool(self.space_id or self.root_path) or self.gradio_share.lower() in ("1", "true")
        return is_served or self.server_name not in ("", "localhost", "127.0.0.1", "::1")

    def limit(self, name: str) -> int | None:
        """A limit on the owner's credits: of a public page, or because it was set."""
        return getattr(self, name) if self.is_public or name in self.model_fields_set else None

    @property
    def usable_key(self) -> SecretStr | None:
        """The owner's key where visitors may use it. On a public page that must be said."""
        may_use = not self.is_public if self.share_key is None else self.share_key
        return self.api_key if may_use else None

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
