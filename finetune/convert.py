"""The convert stage: the adapter that training took, as the file that llama.cpp and Ollama load."""

from __future__ import annotations

from finetune.base import of_run
from finetune.context import Context
from finetune.errors import MissingPartsError
from finetune.runs import Manifest, Run, fingerprint

ADAPTER = "adapter.gguf"


def convert(context: Context, run: Run) -> Manifest:
    """Needs the ``train`` stage. Raises what ``gguf_lora.convert`` raises, and ``MissingPartsError``."""
    try:
        from finetune import gguf_lora
        from finetune.tensors import peft_adapter
    except ImportError as error:
        raise MissingPartsError(
            f"What learning needs is not installed ({error.name} is missing). Install it with: make learn. "
            "Writing works without it."
        ) from error
    adapter, base = run.output("train", "adapter"), of_run(context, run)
    kind = context.learn.adapter_type
    files = [adapter / name for name in (peft_adapter.CONFIG, peft_adapter.WEIGHTS)]
    print_of_inputs = fingerprint(*(path if path.is_file() else None for path in files), base.sha256, kind)
    stage = run.stage("convert")
    if done := stage.begin(print_of_inputs):
        return done
    made = gguf_lora.convert(adapter, base.gguf, stage.folder / ADAPTER, kind, context.tell)
    context.tell.say(f"Converted {made.tensors} matrices in {made.seconds:.1f} seconds")
    metrics = {"tensors": made.tensors, "bytes": made.bytes, "type": made.type, "seconds": made.seconds}
    return stage.finish(print_of_inputs, {"adapter": ADAPTER}, metrics)
