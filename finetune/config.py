"""The settings of the learning loop, from the environment and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from storaiteller.errors import ConfigError
from storaiteller.learned import MIN_LIKES

PREFIX = "STORAITELLER_LEARN_"


class LearnConfig(BaseSettings):
    """Every setting, named ``STORAITELLER_LEARN_`` and its own name in the environment.

    The training defaults are those the field uses for small sets: see the README, "Learning your taste".
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    min_likes: Annotated[int, Field(ge=2, le=1_000_000)] = MIN_LIKES
    """Good stories needed before anything is learned."""
    held_out: Annotated[float, Field(gt=0, lt=0.9)] = 0.2
    """The share of stories that is kept for the exam, and never learned from."""
    base: Path | None = None
    """A Hugging Face folder with the weights of the served model, instead of dequantizing its GGUF."""
    epochs: Annotated[int, Field(ge=1, le=20)] = 3
    rank: Annotated[int, Field(ge=1, le=256)] = 16
    alpha: Annotated[int, Field(ge=1, le=512)] = 16
    learning_rate: Annotated[float, Field(gt=0, le=0.01)] = 2e-4
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.01
    batch_tokens: Annotated[int, Field(ge=64, le=1_048_576)] | None = None
    """Tokens of one optimizer step, prompts included; None: as many as make 40 steps an epoch."""
    window: Annotated[int, Field(ge=256, le=131_072)] = 2_048
    """Tokens of the longest training example; longer stories are split at paragraphs."""
    max_minutes: Annotated[float, Field(gt=0)] | None = None
    """Training stops at the last whole epoch before this."""
    samples: Annotated[int, Field(ge=1, le=256)] = 8
    """Held-out prompts that each model writes a story for."""
    adapter_type: Annotated[str, Field(pattern="^(f16|f32|bf16|q8_0)$")] = "f16"
    keep_runs: Annotated[int, Field(ge=1, le=10_000)] = 14
    """Runs whose folders stay; versions have folders of their own."""
    seed: Annotated[int, Field(ge=0, le=2**31)] = 7


def load_learn_config(**given: Any) -> LearnConfig:
    """``given`` values first (``None`` means not given), then the environment.

    Raises ``ConfigError`` naming the setting and what is allowed.
    """
    try:
        return LearnConfig(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "setting"
        told = f"{PREFIX}{name.upper()} (--{name.replace('_', '-')}): {first['msg']}, not {first['input']!r}."
        raise ConfigError(told, field=name) from error
