"""The training loop, on a Llama so small that it learns a few lines by heart in a second."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from finetune.config import LearnConfig
from finetune.context import Silent
from finetune.errors import TrainingFailedError
from finetune.stories.examples import Example
from finetune.training.batches import IGNORED, tensors
from finetune.training.loop import Epoch, Loop, let_go, pace
from finetune.training.tuner import LAYERS, Tuner, is_out_of_memory, keeps_apart

pytestmark = pytest.mark.slow

LEARN = LearnConfig(epochs=3, learning_rate=0.01, batch_tokens=64, rank=4, alpha=4)


def tiny_tuner(*, row_tokens: int = 64) -> Tuner:
    """The same small random model each time, with a fresh adapter."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = get_peft_model(
        LlamaForCausalLM(config), LoraConfig(r=4, lora_alpha=4, target_modules=list(LAYERS))
    )
    return Tuner(model, torch.device("cpu"), torch.float32, row_tokens)


def examples(count: int, start: int = 0) -> list[Example]:
    return [
        Example(
            f"s{n}", 1, 1, "", "", "", None, [3, 4, n % 90 + 5], [10 + (n + k) % 7 for k in range(9)] + [2]
        )
        for n in range(start, start + count)
    ]


def loop(folder: Path, learn: LearnConfig = LEARN, tuner: Tuner | None = None) -> Loop:
    return Loop(tuner or tiny_tuner(), examples(12), examples(4, 12), folder, learn, Silent())


def adapter(folder: Path, epoch: int) -> dict[str, Any]:
    from safetensors.torch import load_file

    tensors_of: dict[str, Any] = load_file(folder / f"epoch-{epoch}" / "adapter_model.safetensors")
    return tensors_of


def test_it_learns_and_keeps_the_adapter_of_every_epoch(tmp_path: Path) -> None:
    epochs = loop(tmp_path).run()
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2, 3]
    assert epochs[0].held_out_perplexity == pytest.approx(128, rel=0.3)  # a random model guesses
    losses = [epoch.held_out_loss for epoch in epochs]
    assert losses == sorted(losses, reverse=True)
    assert losses[3] < 0.97 * losses[0]
    for number in (1, 2, 3):
        assert any(
            bool(tensor.any()) for name, tensor in adapter(tmp_path, number).items() if "lora_B" in name
        )


def test_once_it_is_done_the_adapters_stay_and_what_resuming_needs_goes(tmp_path: Path) -> None:
    loop(tmp_path).run()
    let_go(tmp_path)
    assert not list(tmp_path.rglob("optimizer.safetensors"))
    kept = {path.parent.name for path in tmp_path.rglob("adapter_model.safetensors")}
    assert kept == {f"epoch-{number}" for number in range(1, LEARN.epochs + 1)}


def test_nothing_it_writes_is_a_pickle(tmp_path: Path) -> None:
    loop(tmp_path).run()
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds <= {".safetensors", ".json", ".md"}


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    expected = loop(whole).run()

    class Stop(Silent):
        def progress(self, what: str, done: float, total: float) -> None:
            if done > total / 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Loop(tiny_tuner(), examples(12), examples(4, 12), stopped, LEARN, Stop()).run()
    (stopped / "epoch-2").mkdir()  # what a kill leaves of a checkpoint: no note
    (stopped / "epoch-2" / "adapter_model.safetensors").write_bytes(b"half")
    resumed = loop(stopped).run()
    assert [e.held_out_loss for e in resumed] == [e.held_out_loss for e in expected]
    for name, tensor in adapter(whole, 3).items():
        assert tensor.equal(adapter(stopped, 3)[name]), name


def test_rows_of_any_size_come_to_the_same(tmp_path: Path) -> None:
    packed = loop(tmp_path / "packed", tuner=tiny_tuner(row_tokens=64)).run()
    alone = loop(tmp_path / "alone", tuner=tiny_tuner(row_tokens=1)).run()
    assert [e.held_out_loss for e in packed] == pytest.approx([e.held_out_loss for e in alone], rel=1e-4)


def test_stories_in_a_row_do_not_see_each_other() -> None:
    assert keeps_apart(tiny_tuner())


def test_a_model_that_lets_them_see_each_other_is_found_out() -> None:
    tuner = tiny_tuner()
    inner = tuner.model

    def blind_to_positions(**given: Any) -> Any:
        return inner(**{name: value for name, value in given.items() if name != "position_ids"})

    tuner.model = blind_to_positions
    assert not keeps_apart(tuner)


def test_only_the_story_is_learned() -> None:
    """The loss is that of the story's tokens, each foretold from all before it."""
    import torch

    tuner, example = tiny_tuner(), examples(1)[0]
    loss, learned = tuner.loss([example])
    made = tensors([example])
    logits = tuner.model(input_ids=made.input_ids).logits[0, :-1].log_softmax(-1)
    targets = made.labels[0, 1:]
    told = [logits[i, target] for i, target in enumerate(targets.tolist()) if target != IGNORED]
    assert learned == len(told) == len(example.story_tokens)
    assert loss.item() == pytest.approx(-torch.stack(told).sum().item(), rel=1e-5)


def test_a_loss_that_is_no_number_stops_it_and_keeps_nothing(tmp_path: Path) -> None:
    import torch

    tuner = tiny_tuner()
    with torch.no_grad():
        tuner.weights[0].fill_(math.nan)
    with pytest.raises(TrainingFailedError, match="went astray"):
        loop(tmp_path, tuner=tuner).run()
    assert not list(tmp_path.glob("epoch-[1-9]*"))


def test_time_that_is_up_before_an_epoch_is_said_and_after_one_takes_it(tmp_path: Path) -> None:
    hasty = LEARN.model_copy(update={"max_minutes": 1e-9})
    with pytest.raises(TrainingFailedError, match="before everything was read once"):
        loop(tmp_path, hasty).run()
    loop(tmp_path, LEARN.model_copy(update={"epochs": 1})).run()
    assert [epoch.epoch for epoch in loop(tmp_path, hasty).run()] == [0, 1]


def test_the_pace_goes_up_over_the_warm_up_and_down_to_nothing() -> None:
    paces = [pace(step, 20, 0.1) for step in range(20)]
    assert paces[0] == 0.5
    assert max(paces) == paces[1] == paces[2] == 1.0
    assert paces[2:] == sorted(paces[2:], reverse=True)
    assert 0 < paces[-1] <= 0.06
    assert pace(0, 1, 0.1) == 1.0


def test_perplexity_is_that_of_the_loss() -> None:
    assert Epoch(1, 1.0, math.log(20)).held_out_perplexity == pytest.approx(20)


def test_an_epochs_note_is_plain_json(tmp_path: Path) -> None:
    loop(tmp_path, LEARN.model_copy(update={"epochs": 1})).run()
    note = json.loads((tmp_path / "epoch-1" / "epoch.json").read_text())
    assert note["step"] == len(note["curve"]) > 0


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_that_runs_out_is_told_from_other_faults(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
