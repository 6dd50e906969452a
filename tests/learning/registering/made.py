"""Runs whose earlier stages are whole, and what became of them."""

from __future__ import annotations

import json

from finetune.base import resolve
from finetune.context import Context
from finetune.runs import Run
from storaiteller.registry import Version
from tests.fake_ollama import FakeOllama
from tests.learning.exam import Heard

SETTINGS = {"genre": "Gothic", "register": "Vivid", "max_words": 90, "characters": ["Mina"]}
HELD_OUT = {"story_id": "h", "prompt_tokens": [1, 2, 3], "story_tokens": [4, 5], "settings": SETTINGS}
TRAINED = {"story_id": "t", "prompt_tokens": [1, 2], "story_tokens": [6], "settings": None}
ADAPTER = b"GGUF what was learned"
PARAMETERS = 'stop                           "<|eot_id|>"\ntemperature                    0.1'
TEMPLATE = "<|user|>{{ .Prompt }}<|end|>"


def a_run(context: Context, adapter: bytes = ADAPTER) -> Run:
    """A run whose earlier stages are whole."""
    run = context.runs.create()
    dataset, train, convert = (run.stage(name) for name in ("dataset", "train", "convert"))
    for stage in (dataset, train, convert):
        stage.begin("x")
    (dataset.folder / "held_out.jsonl").write_text(json.dumps(HELD_OUT) + "\n")
    (dataset.folder / "train.jsonl").write_text(json.dumps(TRAINED) + "\n")
    ids = {"train_ids": ["t"], "held_out_ids": ["h"], "base": resolve(context).sha256}
    dataset.finish("x", {"train": "train.jsonl", "held_out": "held_out.jsonl"}, ids)
    peft = train.folder / "epoch-2"
    peft.mkdir()
    (peft / "adapter_config.json").write_text("{}")
    (peft / "adapter_model.safetensors").write_bytes(b"tensors")
    (peft / "optimizer.bin").write_bytes(b"not needed later")
    train.finish("x", {"adapter": "epoch-2"}, {})
    (convert.folder / "adapter.gguf").write_bytes(adapter)
    convert.finish("x", {"adapter": "adapter.gguf"}, {})
    return run


def versions(context: Context) -> list[Version]:
    return list(context.registry.read().versions)


def heard(context: Context) -> Heard:
    assert isinstance(context.tell, Heard)
    return context.tell


def paths(fake: FakeOllama) -> list[str]:
    return [f"{request.method} {request.path.split(':')[0]}" for request in fake.requests]


def modelfile(run: Run) -> str:
    return run.output("register", "modelfile").read_text()
