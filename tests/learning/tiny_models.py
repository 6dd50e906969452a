"""Models of every family, small enough to compute by hand: in torch, and as GGUF files that llama.cpp loads.

The files are written here from what llama.cpp expects, without the code under test: above all the order
of the rows of q and k.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from libgguf import GGMLQuantizationType as Kind

from finetune.tensors import quants
from storaiteller.engines.llama_probe import LlamaProbe

FAMILIES = {
    "llama": "llama",
    "mistral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma2": "gemma2",
    "gemma3": "gemma3",
}
"""What people call them, and what GGUF does."""

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
HEADS, KEY_HEADS, LAYERS, WORDS = 4, 2, 2, 320
PROMPT = (1, 70, 101, 99, 260, 300, 77, 110)

_TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_GEMMA_NAMES = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TinyModel:
    """The same weights twice: as a GGUF file that stores matrices as ``kind``, and for torch when asked."""

    family: str
    width: int
    gguf: Path
    weights: dict[str, Array]

    @property
    def architecture(self) -> str:
        return FAMILIES[self.family]

    @cached_property
    def torch(self) -> Any:
        """A Transformers model, in float32."""
        import torch

        model = _transformers_model(self.family, self.width).float().eval()
        given = {name: torch.from_numpy(array) for name, array in self.weights.items()}
        missing, unknown = model.load_state_dict(given, strict=False)
        assert set(missing) <= {"lm_head.weight"}
        assert not unknown
        model.tie_weights()
        return model


def make(family: str, folder: Path, kind: Kind = Kind.F32, width: int = 128) -> TinyModel:
    """A model of random weights. ``width`` is that of the embedding; K quants need a multiple of 256."""
    weights = _random_weights(family, width)
    made = TinyModel(family, width, folder / f"{family}-{kind.name}-{width}.gguf", weights)
    write_gguf(made.gguf, made.architecture, width, gguf_weights(made), kind)
    return made


def _random_weights(family: str, width: int) -> dict[str, Array]:
    """By the names that Transformers uses."""
    chance = np.random.default_rng(7)
    head = width // HEADS
    queries, keys, wide = head * HEADS, head * KEY_HEADS, 2 * width
    shapes: dict[str, tuple[int, ...]] = {"embed_tokens": (WORDS, width), "norm": (width,)}
    for layer in range(LAYERS):
        shapes |= {
            f"layers.{layer}.{name}": shape
            for name, shape in {
                "self_attn.q_proj": (queries, width),
                "self_attn.k_proj": (keys, width),
                "self_attn.v_proj": (keys, width),
                "self_attn.o_proj": (width, queries),
                "mlp.gate_proj": (wide, width),
                "mlp.up_proj": (wide, width),
                "mlp.down_proj": (width, wide),
                "input_layernorm": (width,),
                "post_attention_layernorm": (width,),
            }.items()
        }
        if family in ("qwen3", "gemma3"):
            shapes |= {f"layers.{layer}.self_attn.{part}_norm": (head,) for part in "qk"}
        if family.startswith("gemma"):
            shapes |= {f"layers.{layer}.{part}_feedforward_layernorm": (width,) for part in ("pre", "post")}
    weights = {f"model.{name}.weight": _random(chance, shape, family) for name, shape in shapes.items()}
    if not family.startswith("gemma"):
        weights["lm_head.weight"] = _random(chance, (WORDS, width), family)
    if family == "qwen2":
        for name in [
            name for name in weights if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight"))
        ]:
            bias = chance.standard_normal(len(weights[name])) * 0.1
            weights[name.replace(".weight", ".bias")] = bias.astype(np.float32)
    return weights


def _random(chance: np.random.Generator, shape: tuple[int, ...], family: str) -> Array:
    middle = 0.0 if family.startswith("gemma") or len(shape) > 1 else 1.0
    spread = shape[1] ** -0.5 if len(shape) > 1 else 0.1
    return np.asarray(middle + chance.standard_normal(shape) * spread, np.float32)


def write_adapter(model: TinyModel, folder: Path, *, rank: int = 4, strength: float = 0.1) -> Path:
    """A random adapter for all projections, as PEFT would save it; without torch, so in no time."""
    from safetensors.numpy import save_file

    chance = np.random.default_rng(11)
    halves = {}
    for name, weights in model.weights.items():
        if name.endswith("_proj.weight"):
            rows, columns = weights.shape
            module = f"base_model.model.{name.removesuffix('.weight')}"
            halves[f"{module}.lora_A.weight"] = _random(chance, (rank, columns), model.family)
            halves[f"{module}.lora_B.weight"] = _random(chance, (rows, rank), model.family) * np.float32(
                strength * rank**0.5
            )
    folder.mkdir(exist_ok=True)
    save_file(halves, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def peft_adapter(
    model: TinyModel, folder: Path, *, rank: int = 4, strength: float = 0.1, **more: Any
) -> Path:
    """The same, made and saved by PEFT itself; ``more`` are settings of its ``LoraConfig``."""
    import torch
    from peft import LoraConfig, get_peft_model

    settings = {"r": rank, "lora_alpha": 2 * rank, "target_modules": list(PROJECTIONS)} | more
    torch.manual_seed(11)
    tuned = get_peft_model(model.torch, LoraConfig(**settings))
    with torch.no_grad():
        for name, weights in tuned.named_parameters():
            if ".lora_B." in name:
                weights.normal_(0.0, strength)
    tuned.save_pretrained(str(folder), save_embedding_layers=False)
    tuned.unload()
    return folder


def torch_says(model: TinyModel, adapter: Path | None = None) -> Array:
    """Log probabilities of the word after ``PROMPT``, from Transformers and PEFT."""
    import torch
    from peft import PeftModel

    asked = model.torch if adapter is None else PeftModel.from_pretrained(model.torch, str(adapter))
    with torch.no_grad():
        logits = asked(input_ids=torch.tensor([PROMPT])).logits[0, -1]
    if adapter is not None:
        asked.unload()
    said: Array = logits.log_softmax(-1).numpy()
    return said


def llama_says(
    path: Path, adapters: Sequence[Path] = (), scales: Sequence[float] = (), *, words: int = WORDS
) -> Array:
    """The same from llama.cpp."""
    with LlamaProbe(path, adapters=adapters, window=256, threads=1) as probe:
        return probe_says(probe, scales, words=words)


def probe_says(
    probe: LlamaProbe, scales: Sequence[float] = (), *, prompt: Sequence[int] = PROMPT, words: int = WORDS
) -> Array:
    """Log probabilities of the word after the prompt, from a model that is loaded already."""
    request = {
        "prompt": list(prompt),
        "n_predict": 1,
        "temperature": 0.0,
        "n_probs": words,
        "logit_bias": [[words - 1, 1000.0]],  # a whole word: half a letter would not be reported
        "cache_prompt": False,
        "lora": [{"id": number, "scale": scale} for number, scale in enumerate(scales)],
    }
    told = probe._ask("/completion", request)["completion_probabilities"][0]["top_logprobs"]
    said = np.full(words, -np.inf, np.float32)
    for word in told:
        said[word["id"]] = word["logprob"]
    return said


def rows_as_llama_has_them(rows: int, heads: int) -> list[int]:
    """Of which row of Transformers each row of q or k is, where the two halves of a head are interleaved."""
    head = rows // heads
    return [
        number * head + half * (head // 2) + place
        for number in range(heads)
        for place in range(head // 2)
        for half in range(2)
    ]


def write_gguf(
    path: Path,
    architecture: str,
    width: int,
    tensors: dict[str, Array],
    kind: Kind,
    kinds: dict[str, Kind] | None = None,
    alignment: int | None = None,
) -> None:
    """Matrices are stored as ``kind`` (or as ``kinds`` says by name), vectors and word embeddings as F32."""
    from gguf import GGUFWriter

    writer: Any = GGUFWriter(path, architecture)
    with closing(writer):
        if alignment:
            writer.add_custom_alignment(alignment)
        _describe(writer, architecture, width)
        for name, weights in tensors.items():
            plain = weights.ndim == 1 or name in ("token_embd.weight", "output.weight")
            stored = (kinds or {}).get(name, Kind.F32 if plain else kind)
            raw = quants.encode(np.atleast_2d(weights), stored)
            writer.add_tensor_info(name, weights.shape, np.dtype(np.float32), raw.nbytes, raw_dtype=stored)
            writer.tensors[-1][name].tensor = raw
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()


def _describe(writer: Any, architecture: str, width: int) -> None:
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_key_length(width // HEADS)
    writer.add_value_length(width // HEADS)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(WORDS)
    if architecture.startswith("gemma"):
        writer.add_sliding_window(64)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(50.0)
        writer.add_final_logit_softcapping(30.0)
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = special + [f"▁w{number}" for number in range(WORDS - len(special))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([-float(number) for number in range(WORDS)])
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (WORDS - len(special)))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(_TEMPLATE)
    writer.add_array("tiny.notes", [1.5, 2.5])  # keys nobody knows have to be kept too
    writer.add_key_value("tiny.bytes", [1, 2, 3], *_array_of_bytes())


def _array_of_bytes() -> tuple[Any, Any]:
    from gguf import GGUFValueType

    return GGUFValueType.ARRAY, GGUFValueType.UINT8


def _transformers_model(family: str, width: int) -> Any:
    import transformers as hub

    given: dict[str, Any] = {
        "vocab_size": WORDS,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS,
        "head_dim": width // HEADS,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": family.startswith("gemma"),
        "attn_implementation": "eager",
    }
    if family.startswith("gemma"):
        given |= {"query_pre_attn_scalar": width // HEADS, "sliding_window": 64}
    config, model = {
        "llama": (hub.LlamaConfig, hub.LlamaForCausalLM),
        "mistral": (hub.MistralConfig, hub.MistralForCausalLM),
        "qwen2": (hub.Qwen2Config, hub.Qwen2ForCausalLM),
        "qwen3": (hub.Qwen3Config, hub.Qwen3ForCausalLM),
        "gemma2": (hub.Gemma2Config, hub.Gemma2ForCausalLM),
        "gemma3": (hub.Gemma3TextConfig, hub.Gemma3ForCausalLM),
    }[family]
    return model(config(**given))


def gguf_weights(model: TinyModel) -> dict[str, Array]:
    """By the names and in the order that llama.cpp uses."""
    gemma, made = model.family.startswith("gemma"), {}
    for name, array in model.weights.items():
        array = array + 1 if gemma and array.ndim == 1 else array
        part = name.removeprefix("model.")
        if not part.startswith("layers."):
            whole = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
            made[f"{whole[part.split('.')[0]]}.weight"] = array
            continue
        _, layer, inner = part.split(".", 2)
        module, _, what = inner.rpartition(".")
        found = (_NAMES | _GEMMA_NAMES if gemma else _NAMES)[module]
        if model.architecture == "llama" and found in ("attn_q", "attn_k"):
            heads = HEADS if found == "attn_q" else KEY_HEADS
            array = array[rows_as_llama_has_them(len(array), heads)]
        made[f"blk.{layer}.{found}.{what}"] = array
    return made
