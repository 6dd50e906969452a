"""The exception tree. Every error the app raises on purpose is one of these.

``code`` is stable and meant for programs; the message is one or two sentences for the writer:
what was wrong, and what to do next. ``status`` is the HTTP status a REST answer carries.
"""

from __future__ import annotations

from typing import ClassVar


class StoraitellerError(Exception):
    """Base of everything the app raises on purpose."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidRequestError(StoraitellerError):
    """A request broke a rule; the message names the field and what is allowed."""

    code = "invalid_request"
    status = 422


class StoryFullError(InvalidRequestError):
    """The story already has as many words as its settings allow."""

    code = "story_full"


class PromptTooLongError(InvalidRequestError):
    """The prompt does not fit the model's window; both numbers are in the message."""

    code = "prompt_too_long"

    def __init__(self, prompt_tokens: int, window: int) -> None:
        super().__init__(
            f"This needs {prompt_tokens:,} tokens and the model can hold {window:,}. "
            "Shorten the text, or choose a model with a larger window."
        )
        self.prompt_tokens = prompt_tokens
        self.window = window


class UnknownStoryError(InvalidRequestError):
    """There is no saved story with this id."""

    code = "unknown_story"
    status = 404


class UnknownPairError(InvalidRequestError):
    """There is no pair of a chosen and a rejected text with this id."""

    code = "unknown_pair"
    status = 404


class NotAllowedError(StoraitellerError):
    """The caller did not prove that it is this machine's writer."""

    code = "not_allowed"
    status = 401


class ForeignOriginError(StoraitellerError):
    """The request names a host or comes from a site that is not ours."""

    code = "foreign_origin"
    status = 403


class ConfigError(StoraitellerError):
    """A setting of the app itself is wrong; the message names it."""

    code = "bad_config"


class LedgerError(StoraitellerError):
    """A row of a ledger could not be written down durably, or read; nothing was recorded."""

    code = "ledger_failed"
    status = 507


class RegistryError(StoraitellerError):
    """The list of the model's versions is damaged or could not be changed; nothing was."""

    code = "registry_failed"


class UnknownVersionError(InvalidRequestError):
    """There is no version of the writer's own model with this name."""

    code = "unknown_version"
    status = 404


class EngineError(StoraitellerError):
    """Base of what an engine may raise, before the first word or after it."""

    code = "engine_failed"
    status = 502


class ModelMissingError(EngineError):
    """The model is not on this machine, and can be fetched or chosen anew."""

    code = "model_missing"
    status = 404


class ModelUnusableError(EngineError):
    """The model's file is there, but it is no model this engine can load."""

    code = "model_unusable"


class EngineUnavailableError(EngineError):
    """The server that runs the model does not answer, or went away."""

    code = "engine_unavailable"
    status = 503


class WordsUnsupportedError(EngineError):
    """The engine writes, but cannot tell which words the model thought of."""

    code = "words_unsupported"


class GenerationFailedError(EngineError):
    """The engine gave up in the middle; what came before is whole."""

    code = "generation_failed"
