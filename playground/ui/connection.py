"""The Connection panel: which model runs, and a visitor's own key, for this session only."""

import hashlib
import re
import secrets
from dataclasses import replace
from typing import Any

import gradio as gr
from pydantic import SecretStr

from playground.errors import Credits, KeyRefusedError, PlaygroundError
from playground.ui import format
from playground.ui.session import Backends, Session

POCKET, HOSTED = "pocket", "hosted"
_STORAGE_KEY = "playground-visitor"
_VISITOR_ID = re.compile(r"[\w-]{43}")
"""256 bits that nobody guesses; the server writes down their digest alone."""


def build_connection_panel(backends: Backends, session: gr.State, *, load: Any) -> None:
    """A closed panel. A key leaves the browser once, is kept in the server's memory, and is never sent back."""
    events = _Events(backends)
    start = backends.first_session
    with gr.Accordion(events.summary(start), open=False, elem_id="connection") as panel:
        with gr.Row():
            with gr.Column(min_width=280):
                where = gr.Radio(
                    events.choices(),
                    value=HOSTED if start.uses_hosted else POCKET,
                    label="Who makes the picture",
                    elem_id="where",
                )
            with gr.Column(min_width=280):
                key = gr.Textbox(
                    label="Your API key",
                    type="password",
                    placeholder="cdt_…",
                    info="Kept in this server's memory, at most an hour after you leave; shown to nobody, saved nowhere.",
                    elem_id="api_key",
                    html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
                )
                with gr.Row():
                    use = gr.Button("Use this key", size="sm", elem_id="use_key", min_width=100)
                    test = gr.Button("Test it, costs nothing", size="sm", elem_id="test_key", min_width=150)
                    forget = gr.Button("Forget it", size="sm", elem_id="forget_key", min_width=90)
        note = gr.HTML(elem_id="connection_note")
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    changed = [session, panel, where, note]
    browser = gr.BrowserState(
        "", storage_key=_STORAGE_KEY, secret=_STORAGE_KEY
    )  # Gradio publishes the secret: it hides nothing
    load(events.enter, inputs=[session, browser], outputs=[session, browser], **private)
    load(events.relabel, inputs=[session], outputs=[panel, where], **private)
    where.input(events.choose, inputs=[where, session], outputs=changed, **private)
    use.click(events.use_key, inputs=[key, session], outputs=[*changed, key], **private)
    test.click(events.test_key, inputs=[key, session], outputs=note, concurrency_limit=10, **private)
    forget.click(events.forget_key, inputs=[session], outputs=[*changed, key], **private)


class _Events:
    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    def words(self, uses_hosted: bool) -> str:
        """One choice of the radio."""
        if not uses_hosted:
            return "pocket model: free, runs here, small"
        hosted = self._backends.hosted
        return f"{hosted.model.label} at {hosted.host}: {format.price(hosted.model)}"

    def choices(self) -> list[tuple[str, str]]:
        """Both places a request can go."""
        return [(self.words(False), POCKET), (self.words(True), HOSTED)]

    async def relabel(self, session: Session) -> list[Any]:
        """The panel's words, once the owner's own service has said which model it runs. It changes nobody's session: it
        may take long, and a choice that was made meanwhile would be undone."""
        await self._backends.ask_hosted_model()
        return [gr.Accordion(label=self.summary(session)), gr.Radio(self.choices())]

    def enter(self, session: Session, browser: Any) -> list[Any]:
        """For a page that opens: who its visitor is."""
        id = browser if isinstance(browser, str) and _VISITOR_ID.fullmatch(browser) else secrets.token_urlsafe(32)
        visitor = hashlib.sha256(id.encode()).hexdigest()
        opened = replace(session, is_page=True, visitor=visitor)
        return [opened, id]

    def summary(self, session: Session) -> str:
        """The closed panel's line."""
        model = self._backends.model(session)
        whose = ""
        if session.uses_hosted:
            whose = f" · {self._backends.whose_key(session)}"
        return f"Connection: {model.label} · {format.price(model)}{whose}"

    def choose(self, where: str, session: Session) -> list[Any]:
        """Switch between the two; takes effect with the next picture."""
        chosen = replace(session, uses_hosted=where == HOSTED)
        note = format.line("○", "Enter your key, then generate.", kind="idle") if self._backends.needs_key(chosen) else ""
        return self._changed(chosen, note)

    def use_key(self, key: str, session: Session) -> list[Any]:
        """Take a key into this session and switch to the hosted API; the box is emptied."""
        try:
            chosen = replace(session, uses_hosted=True, api_key=self._checked(key))
        except PlaygroundError as error:
            return [*self._changed(session, format.error_line(error)), ""]
        return [*self._changed(chosen, format.line("✓", "Key taken for this session; not tested yet.", kind="good")), ""]

    def forget_key(self, session: Session) -> list[Any]:
        """Drop the visitor's key."""
        chosen = replace(session, api_key=None, uses_hosted=self._backends.first_session.uses_hosted)
        return [*self._changed(chosen, format.line("✓", "Your key is forgotten.", kind="good")), ""]

    async def test_key(self, key: str, session: Session) -> str:
        """Ask the API about a prediction that cannot exist: a good key gets "not found", and nothing is charged."""
        try:
            own = self._checked(key) if key.strip() else session.api_key or self._backends.owner_key
            await self._backends.hosted.as_visitor(api_key=own).check_key()
        except PlaygroundError as error:
            cost = "" if error.credits is Credits.NOT_SPENT else f" {Credits.NOT_SPENT}"
            return format.line("✗", f"{error}{cost}", kind="bad")
        return format.line("✓", f"{self._backends.hosted.host} accepts this connection. Nothing was charged.", kind="good")

    def _checked(self, key: str) -> SecretStr:
        if not key.strip():
            raise KeyRefusedError("The key box is empty.", advice="Paste your key into it.")
        secret = SecretStr(key.strip())
        self._backends.hosted.as_visitor(api_key=secret)
        return secret

    def _changed(self, session: Session, note: str) -> list[Any]:
        where = HOSTED if session.uses_hosted else POCKET
        return [session, gr.Accordion(label=self.summary(session)), where, note]
