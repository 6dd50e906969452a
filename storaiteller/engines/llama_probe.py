"""What the embedded engine really reads: its chat template, its tokens, and the token it would write next.

The learning loop trains on exactly that, so it asks llama.cpp and renders nothing itself. Everything
here waits for the native code: call it off the event loop.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from storaiteller.engines.llama_native import default_threads, serve, server_params
from storaiteller.errors import GenerationFailedError, ModelMissingError, ModelUnusableError
from storaiteller.story import Message

Render = Callable[[Sequence[Message]], str]
"""The prompt for these messages, up to where the answer begins."""

_MARK = "ANSWER"


class LlamaProbe:
    """One GGUF model, loaded for questions. A context manager that puts it away.

    ``render`` is given where another server serves the model, by a template of its own.

    Raises ``ModelMissingError`` or ``ModelUnusableError`` when it cannot be loaded, and
    ``GenerationFailedError`` when a question fails.
    """

    def __init__(
        self,
        path: Path,
        *,
        adapters: Sequence[Path] = (),
        window: int = 4_096,
        threads: int | None = None,
        render: Render | None = None,
    ) -> None:
        if not path.is_file():
            raise ModelMissingError(f"There is no readable model file at {path}.")
        params = server_params(path, threads or default_threads(), window, adapters)
        key = secrets.token_urlsafe(32)  # of the listener on loopback that xllamacpp always opens
        params.api_keys = [key]
        try:
            self._server: Any = serve(params)
        except RuntimeError as error:
            beside = f" with {', '.join(adapter.name for adapter in adapters)}" if adapters else ""
            raise ModelUnusableError(f"llama.cpp could not load {path.name}{beside}.") from error
        self._client = httpx.Client(
            base_url=self._server.listening_address,
            headers={"authorization": f"Bearer {key}"},
            timeout=600,
            trust_env=False,
        )
        self.render: Render = render or self._by_its_own_template

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._client.close()
        self._server = None

    def _by_its_own_template(self, messages: Sequence[Message]) -> str:
        told = [{"role": message.role, "content": message.content} for message in messages]
        request = {"messages": told, "chat_template_kwargs": {"enable_thinking": False}}
        return str(self._ask("/apply-template", request)["prompt"])

    def tokens(self, text: str, *, prompt: bool) -> list[int]:
        """The tokens of a rendered prompt (special ones are recognised), or of the answer after it."""
        request = {"content": text, "add_special": prompt, "parse_special": prompt}
        return [int(token) for token in self._ask("/tokenize", request)["tokens"]]

    def end_of_turn(self) -> int:
        """The token the template puts after an answer: what the model has to write to end by itself."""
        rendered = self.render([Message("user", "Q"), Message("assistant", _MARK), Message("user", "Q")])
        after = rendered.rpartition(_MARK)[2]
        return self._bare(after)[0]

    def next_token(self, tokens: Sequence[int], scales: Sequence[float] = ()) -> int:
        """The likeliest token after these, with the adapters at these strengths."""
        request = {
            "prompt": list(tokens),
            "n_predict": 1,
            "temperature": 0.0,
            "return_tokens": True,
            "cache_prompt": True,
            "lora": [{"id": number, "scale": scale} for number, scale in enumerate(scales)],
        }
        answer = self._ask("/completion", request)
        return int(answer["tokens"][0])  # there for every token; probabilities are not told of half a letter

    def _bare(self, text: str) -> list[int]:
        request = {"content": text, "add_special": False, "parse_special": True}
        return [int(token) for token in self._ask("/tokenize", request)["tokens"]]

    def _ask(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.post(path, json=request)
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise GenerationFailedError(f"llama.cpp did not answer: {error}.") from error
        if answer.status_code != httpx.codes.OK:
            why = told.get("error", {}).get("message", told)
            raise GenerationFailedError(f"llama.cpp refused a question: {why}.")
        return told
