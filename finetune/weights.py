"""The weights to tune, for Transformers: the served GGUF dequantized, once, and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil

from finetune.base import Base
from finetune.context import Context
from finetune.errors import NoRoomError, UnusableBaseError
from finetune.runs import Stage, fingerprint
from finetune.training.apart import run_apart
from finetune.training.libraries import check, quiet

_FORMAT = 1
"""Raise it when folders made by an earlier version of this file must not be used any more."""


def folder(context: Context, base: Base) -> Path:
    """A Hugging Face folder with the weights of ``base``: safetensors in bfloat16, configuration, tokenizer.

    Made at the first use (20 seconds and 270 MB for the demo model), kept in ``data/bases``. With
    ``learn.base`` it is that folder instead. Raises ``UnusableBaseError``, ``NoRoomError``,
    ``MissingPartsError``.
    """
    check()
    if context.learn.base is not None:
        return _given(context.learn.base)
    stage = Stage("base", context.bases / base.sha256[:16])
    print_of_base = fingerprint(_FORMAT, base.sha256)
    if stage.begin(print_of_base) is None:
        context.tell.say(f"Unpacking {base.name} for training (once for each model)")
        _check_room(base, stage.folder)
        parameters = run_apart(
            dequantize, base.gguf, stage.folder, report=lambda told: None, threads=context.threads
        )
        stage.finish(print_of_base, {"config": "config.json"}, {"model": base.name, "parameters": parameters})
    return stage.folder


def _given(folder: Path) -> Path:
    if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
        raise UnusableBaseError(
            f"{folder} is no model folder: it needs config.json and weights as .safetensors files."
        )
    return folder


def _check_room(base: Base, folder: Path) -> None:
    # 16 bits a weight from at least 4: four times the file, and a little for the tokenizer.
    needed = 4 * base.gguf.stat().st_size + 64 * 2**20
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoomError(
            f"Unpacking {base.name} needs up to {needed / 1e9:.1f} GB on the disk of {folder}, and "
            f"{free / 1e9:.1f} GB are free. Make room, and run it again."
        )
    memory = psutil.virtual_memory().available
    if memory < needed:
        raise NoRoomError(
            f"Unpacking {base.name} needs up to {needed / 1e9:.1f} GB of memory, and {memory / 1e9:.1f} GB "
            "are free. Close other programs, or tune a smaller model."
        )


def dequantize(gguf: Path, out: Path, *, report: Callable[[object], None]) -> int:
    """Let Transformers read the GGUF; returns how many weights there are. Made for ``run_apart``."""
    # A name of our own: Ollama's blobs have none that ends in .gguf.
    link = out / "base.gguf"
    link.unlink(missing_ok=True)
    link.symlink_to(gguf.resolve())
    try:
        with quiet():
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

            model = AutoModelForCausalLM.from_pretrained(
                out,
                gguf_file=link.name,
                quantization_config=GgufConfig(dequantize=True),
                dtype=torch.bfloat16,
            )
            model.save_pretrained(out)
            AutoTokenizer.from_pretrained(out, gguf_file=link.name).save_pretrained(out)
            return int(sum(weight.numel() for weight in model.parameters()))
    except (ValueError, KeyError, NotImplementedError, RuntimeError, OSError) as error:
        raise UnusableBaseError(
            f"{gguf.name} cannot be tuned: its file could not be read for training ({_short(error)}). "
            "Choose a model of the Llama, Qwen, Gemma or Mistral families."
        ) from error
    finally:
        link.unlink()


def _short(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200].rstrip(".")
