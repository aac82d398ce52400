"""Writes the trained model in Hugging Face's layout, in bfloat16."""
import json
import os
import shutil
import struct

import torch

import bpe
import model as m

TEMPLATE = ("{%- for message in messages %}{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
            "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}")
LAYER_NAMES = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
               "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
               "n1": "input_layernorm", "n2": "post_attention_layernorm"}


def published_name(name):
    """`blocks.3.q.weight` as Hugging Face calls it."""
    if name == "embed.weight":
        return "model.embed_tokens.weight"
    if name == "norm.weight":
        return "model.norm.weight"
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[part]}.{kind}"


def write_json(path, value):
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def write_safetensors(path, tensors):
    """All tensors as bfloat16: a length, a JSON header padded to 8 bytes, the bytes in order."""
    header, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        t = tensors[name].detach().to("cpu", torch.bfloat16).contiguous()
        parts.append(t.view(torch.int16).numpy().tobytes())
        header[name] = {"dtype": "BF16", "shape": list(t.shape), "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_safetensors(path):
    """{name: tensor} of a file of bfloat16 tensors."""
    with open(path, "rb") as f:
        data = f.read()
    length, = struct.unpack("<Q", data[:8])
    out = {}
    for name, info in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            raw = torch.frombuffer(bytearray(data[8 + length + begin:8 + length + end]), dtype=torch.bfloat16)
            out[name] = raw.view(info["shape"])
    return out


def export(state, directory):
    """Writes the weights `state` (a Net's state dictionary), the settings and the tokenizer into `directory`."""
    os.makedirs(directory, exist_ok=True)
    write_safetensors(os.path.join(directory, "model.safetensors"), {published_name(n): t for n, t in state.items()})
    special = bpe.Codec.load().special
    end, pad = special["<|im_end|>"], special["<|endoftext|>"]
    write_json(os.path.join(directory, "config.json"), {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": m.WIDTH,
        "num_hidden_layers": m.LAYERS, "num_attention_heads": m.HEADS, "num_key_value_heads": m.KV_HEADS,
        "intermediate_size": m.HIDDEN, "vocab_size": m.VOCABULARY, "hidden_act": "silu", "rms_norm_eps": m.EPSILON,
        "rope_theta": m.THETA, "max_position_embeddings": m.CONTEXT, "tie_word_embeddings": True,
        "torch_dtype": "bfloat16", "use_sliding_window": False, "attention_dropout": 0.0, "bos_token_id": pad,
        "eos_token_id": end, "use_cache": True})
    write_json(os.path.join(directory, "generation_config.json"), {
        "bos_token_id": pad, "pad_token_id": pad, "eos_token_id": [end, pad], "do_sample": True, "temperature": 0.6,
        "top_p": 0.95})
    write_json(os.path.join(directory, "tokenizer_config.json"), {
        "tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "bos_token": None, "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>", "model_max_length": m.CONTEXT, "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE})
    shutil.copyfile(bpe.FILE, os.path.join(directory, "tokenizer.json"))


def load(directory, device, dtype):
    """A Net from an exported directory."""
    net = m.Net()
    found = read_safetensors(os.path.join(directory, "model.safetensors"))
    net.load_state_dict({n: found[published_name(n)].float() for n in net.state_dict()})
    for p in net.parameters():
        p.requires_grad_(False)
    return net.to(device, dtype).eval()
