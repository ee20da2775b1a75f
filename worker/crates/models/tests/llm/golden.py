"""Writes tiny random models beside this script, with the logits that a float32 reference in numpy computes for them.
Needs the Python packages gguf 0.19.0 and numpy; gives the same bytes on every run.

    python golden.py

`NAME.gguf` is a model; its tensor table ends there. `NAME.bin` holds little-endian: the number of tokens, the size of
the vocabulary, the tokens as u32, and for each position the logits of all tokens as float32.
"""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter
from gguf.quants import dequantize, quantize

HERE = Path(__file__).parent
TOKENS = 40


def k_blocks(kind, shape, rng):
    """Random blocks of the formats that the package cannot write, with numbers of about 0.05."""
    size = {Type.Q4_K: 144, Type.Q5_K: 176, Type.Q6_K: 210}[kind]
    rows, columns = shape
    data = rng.integers(0, 256, (rows * columns // 256, size), np.uint8)
    for block in data:
        if kind == Type.Q6_K:
            block[208:210] = np.array([rng.uniform(0.5, 1.0) * 4e-5], np.float16).view(np.uint8)
        else:
            top = 16 if kind == Type.Q4_K else 32
            block[0:2] = np.array([rng.uniform(0.5, 1.0) * 0.1 / 32 / top], np.float16).view(np.uint8)
            block[2:4] = np.array([rng.uniform(0.5, 1.0) * 0.05 / 32], np.float16).view(np.uint8)
    return data.reshape(rows, -1)


class Model:
    def __init__(self, name, arch, seed, heads, kv_heads, embedding, inner, tied, types, head_dim=None, scaling=None,
                 factors=False, rope_dims=None, bias=None, layers=2):
        self.rng = np.random.default_rng(seed)
        self.arch, self.heads, self.kv_heads, self.embedding = arch, heads, kv_heads, embedding
        self.head_dim = head_dim or embedding // heads
        self.rope_dims = rope_dims or self.head_dim
        self.layers, self.vocab, self.base, self.epsilon = layers, 67, 10000.0 if arch == "llama" else 1e6, 1e-5
        self.scaling, self.context, self.types, self.calls = scaling, 128, types, 0
        self.out = GGUFWriter(HERE / f"{name}.gguf", arch)
        self.name, self.w = name, {}
        out = self.out
        out.add_block_count(self.layers)
        out.add_context_length(self.context)
        out.add_embedding_length(embedding)
        out.add_feed_forward_length(inner)
        out.add_head_count(heads)
        out.add_head_count_kv(kv_heads)
        out.add_layer_norm_rms_eps(self.epsilon)
        out.add_rope_freq_base(self.base)
        out.add_rope_dimension_count(self.rope_dims)
        if head_dim:
            out.add_key_length(head_dim)
            out.add_value_length(head_dim)
        if scaling:
            out.add_string(f"{arch}.rope.scaling.type", scaling[0])
            out.add_float32(f"{arch}.rope.scaling.factor", scaling[1])
            if scaling[0] == "yarn":
                out.add_uint32(f"{arch}.rope.scaling.original_context_length", scaling[2])
        out.add_tokenizer_model("gpt2")
        out.add_tokenizer_pre("qwen2")
        letters = [chr(33 + i) for i in range(self.vocab - 2)]
        out.add_token_list(letters + ['!"', "<|end|>"])
        out.add_token_types([1] * (self.vocab - 1) + [3])
        out.add_token_merges(['! "'])
        out.add_eos_token_id(self.vocab - 1)

        q_len, kv_len = heads * self.head_dim, kv_heads * self.head_dim
        self.matrix("token_embd", self.vocab, embedding, 1.0)
        if factors:
            self.plain("rope_freqs.weight", self.rng.uniform(1.0, 4.0, self.rope_dims // 2))
        for i in range(self.layers):
            name = f"blk.{i}."
            self.plain(name + "attn_norm.weight", self.rng.uniform(0.5, 1.5, embedding))
            for part, rows in (("attn_q", q_len), ("attn_k", kv_len), ("attn_v", kv_len)):
                self.matrix(name + part, rows, embedding, 0.15)
                if arch == "qwen2" or bias:
                    self.plain(name + part + ".bias", self.rng.normal(0, 0.3, rows))
            self.matrix(name + "attn_output", embedding, q_len, 0.15)
            self.plain(name + "ffn_norm.weight", self.rng.uniform(0.5, 1.5, embedding))
            self.matrix(name + "ffn_gate", inner, embedding, 0.15)
            self.matrix(name + "ffn_up", inner, embedding, 0.15)
            self.matrix(name + "ffn_down", embedding, inner, 0.1)
        self.plain("output_norm.weight", self.rng.uniform(0.5, 1.5, embedding))
        if not tied:
            self.matrix("output", self.vocab, embedding, 0.15)

    def plain(self, name, numbers):
        numbers = numbers.astype(np.float32)
        self.out.add_tensor(name, numbers)
        self.w[name] = numbers

    def matrix(self, name, rows, columns, size):
        name += ".weight"
        kind = self.types[self.calls % len(self.types)]
        self.calls += 1
        if kind in (Type.Q4_K, Type.Q5_K, Type.Q6_K) and columns % 256 == 0:
            data = k_blocks(kind, (rows, columns), self.rng)
        else:
            if kind in (Type.Q4_K, Type.Q5_K, Type.Q6_K):
                kind = Type.Q8_0
            data = quantize(self.rng.normal(0, size, (rows, columns)).astype(np.float32), kind)
        self.out.add_tensor(name, data, raw_dtype=kind)
        self.w[name] = dequantize(data, kind).astype(np.float32).reshape(rows, columns)

    def turns(self):
        turns = self.base ** (-np.arange(0, self.rope_dims, 2) / self.rope_dims)
        if "rope_freqs.weight" in self.w:
            turns = turns / self.w["rope_freqs.weight"]
        scale = 1.0
        if self.scaling and self.scaling[0] == "linear":
            turns = turns / self.scaling[1]
        if self.scaling and self.scaling[0] == "yarn":
            _, factor, original = self.scaling
            # As in the paper: full turns within the original context decide.
            def pair(beta):
                return self.rope_dims * np.log(original / (beta * 2 * np.pi)) / (2 * np.log(self.base))
            low, high = max(np.floor(pair(32.0)), 0), min(np.ceil(pair(1.0)), self.rope_dims - 1)
            keep = 1 - np.clip((np.arange(self.rope_dims // 2) - low) / max(high - low, 0.001), 0, 1)
            turns = turns * keep + turns / factor * (1 - keep)
            scale = 1 + 0.1 * np.log(factor)
        return turns, scale

    def rope(self, x):
        """x: [tokens, heads, head_dim]"""
        turns, scale = self.turns()
        angles = np.arange(x.shape[0])[:, None] * turns[None, :]
        cos, sin = (np.cos(angles) * scale)[:, None, :], (np.sin(angles) * scale)[:, None, :]
        out = x.astype(np.float64)
        half = self.rope_dims // 2
        if self.arch == "llama":
            a, b = slice(0, self.rope_dims, 2), slice(1, self.rope_dims, 2)
        else:
            a, b = slice(0, half), slice(half, self.rope_dims)
        one, two = x[..., a].astype(np.float64), x[..., b].astype(np.float64)
        out[..., a], out[..., b] = one * cos - two * sin, one * sin + two * cos
        return out.astype(np.float32)

    def norm(self, x, scale):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self.epsilon)) * scale

    def logits(self, tokens):
        w, num = self.w, len(tokens)
        x = w["token_embd.weight"][tokens]
        future = np.triu(np.full((num, num), -np.inf, np.float32), 1)
        for i in range(self.layers):
            name = f"blk.{i}."
            y = self.norm(x, w[name + "attn_norm.weight"])
            q, k, v = (y @ w[name + part + ".weight"].T + w.get(name + part + ".bias", np.float32(0))
                       for part in ("attn_q", "attn_k", "attn_v"))
            q, k, v = (z.reshape(num, -1, self.head_dim) for z in (q, k, v))
            q, k = self.rope(q), self.rope(k)
            k, v = (np.repeat(z, self.heads // self.kv_heads, 1) for z in (k, v))
            scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(np.float32(self.head_dim)) + future
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            y = np.einsum("hqk,khd->qhd", scores, v).reshape(num, -1)
            x = x + y @ w[name + "attn_output.weight"].T
            y = self.norm(x, w[name + "ffn_norm.weight"])
            gate = y @ w[name + "ffn_gate.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * (y @ w[name + "ffn_up.weight"].T)) @ w[name + "ffn_down.weight"].T
        x = self.norm(x, w["output_norm.weight"])
        return x @ w.get("output.weight", w["token_embd.weight"]).T

    def write(self):
        self.out.write_header_to_file()
        self.out.write_kv_data_to_file()
        self.out.write_tensors_to_file()
        self.out.close()
        tokens = self.rng.integers(0, self.vocab, TOKENS)
        logits = self.logits(tokens).astype("<f4")
        head = np.array([TOKENS, self.vocab, *tokens], "<u4")
        (HERE / f"{self.name}.bin").write_bytes(head.tobytes() + logits.tobytes())
        print(self.name, "logits from", logits.min(), "to", logits.max())


PLAIN = [Type.F32, Type.F16, Type.BF16]
OLD = [Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1]
LARGE = [Type.Q6_K, Type.Q4_K, Type.Q5_K, Type.Q8_0]

# Heads of 12 are no whole vectors, and 36 columns no whole units.
Model("llama_plain", "llama", 1, 3, 1, 36, 52, True, PLAIN).write()
Model("llama_old", "llama", 2, 4, 2, 64, 96, True, OLD, scaling=("linear", 2.0)).write()
Model("llama_untied", "llama", 3, 6, 2, 96, 160, False, OLD[::-1], head_dim=16, factors=True, bias=True).write()
Model("qwen2_old", "qwen2", 4, 4, 1, 64, 128, True, OLD[1:], rope_dims=8).write()
Model("qwen2_large", "qwen2", 5, 4, 2, 256, 256, False, LARGE, scaling=("yarn", 4.0, 32), layers=1).write()
