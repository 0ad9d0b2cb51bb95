"""Refuses request bodies that are too large before they are read, with or without a Content-Length."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware: more than `most_bytes` of body is answered with 413."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body as it arrives; once it is too long the app sees a client that went away."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        refusal = JSONResponse({"detail": f"The request is larger than {self._most_bytes // 2**20} MB."}, status_code=413)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > self._most_bytes:
            return await refusal(scope, receive, send)
        seen, refused = 0, False

        async def counted() -> Message:
            nonlocal seen, refused
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most_bytes:
                refused = True
                return {"type": "http.disconnect"}
            return message

        async def unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        try:
            await self._app(scope, counted, unless_refused)
        except Exception:
            if not refused:
                raise
        if refused:
            await refusal(scope, receive, send)
