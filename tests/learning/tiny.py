"""A Llama of a few thousand random weights, and adapters for it: everything real but the size."""

from __future__ import annotations

from pathlib import Path

VOCABULARY = 97


def tiny_weights(folder: Path) -> Path:
    """A Hugging Face folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    shape = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.5,  # wide, so that it has opinions
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


def tiny_adapter(weights: Path, folder: Path, *, seed: int = 1, size: float = 0.3) -> Path:
    """A PEFT folder; ``size`` is how large its random weights are."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    torch.manual_seed(seed)
    model = LlamaForCausalLM.from_pretrained(weights)
    wrapped = get_peft_model(model, LoraConfig(r=2, lora_alpha=2, target_modules=["q_proj", "down_proj"]))
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_" in name:
                weight.normal_(0, size)
    wrapped.save_pretrained(folder)
    return folder
