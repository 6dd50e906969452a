"""What our training is measured against: Transformers, PEFT and TRL as their guides show them, with padding.

Run in a process of its own: ``python -m tests.bench.plain_trl WEIGHTS TRAIN.jsonl OUT KIND``. Prints one JSON
object: the real tokens (padding not counted) a second of one epoch.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from finetune.stories.examples import read_examples
from finetune.training.tuner import LAYERS

BATCH = 4
"""Stories a step: as many tokens as a step of ours, about."""


def main(weights: str, train: str, out: str, kind: str) -> None:
    """``kind`` is ``defaults`` (bfloat16, activations computed twice) or ``float32`` (as we train here)."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer
    from trl import SFTConfig, SFTTrainer

    class Plain(SFTTrainer):  # type: ignore[misc]
        """With the model's own loss: TRL's, from 1.15 on, is written in Triton and needs a GPU."""

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return Trainer.compute_loss(self, *args, **kwargs)

    examples = read_examples(Path(train))
    rows = [
        {
            "input_ids": example.prompt_tokens + example.story_tokens,
            "completion_mask": [0] * len(example.prompt_tokens) + [1] * len(example.story_tokens),
        }
        for example in examples
    ]
    as_we_train: dict[str, Any] = {"gradient_checkpointing": False, "bf16": False}
    model = AutoModelForCausalLM.from_pretrained(
        weights, dtype=torch.float32 if kind == "float32" else torch.bfloat16
    )
    trainer = Plain(
        model=model,
        args=SFTConfig(
            output_dir=out,
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            learning_rate=2e-4,
            completion_only_loss=True,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
            **(as_we_train if kind == "float32" else {}),
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(weights),
        peft_config=LoraConfig(r=16, lora_alpha=16, target_modules=list(LAYERS), task_type="CAUSAL_LM"),
    )
    begun = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - begun
    print(json.dumps({"tokens_per_second": sum(map(len, examples)) / seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
