"""Logits of a whole model file in float32, on the dequantised weights. Needs numpy and gguf 0.19.0."""

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


class Float32:
    def __init__(self, path):
        file = GGUFReader(path)
        self.arch = file.get_field("general.architecture").contents()
        value = lambda name: file.get_field(f"{self.arch}.{name}").contents()
        self.w = {t.name: dequantize(t.data, t.tensor_type).astype(np.float32).reshape(t.shape[::-1])
                  for t in file.tensors}
        self.layers, self.heads, self.kv_heads = (
            value(name) for name in ("block_count", "attention.head_count", "attention.head_count_kv"))
        self.dim = value("embedding_length") // self.heads
        self.epsilon, self.base = np.float32(value("attention.layer_norm_rms_epsilon")), value("rope.freq_base")

    def norm(self, x, scale):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * scale

    def rope(self, x):
        dim = self.dim
        angles = np.arange(x.shape[0])[:, None] * self.base ** (-np.arange(0, dim, 2) / dim)[None, :]
        cos, sin = np.cos(angles).astype(np.float32)[:, None], np.sin(angles).astype(np.float32)[:, None]
        out, half = x.copy(), dim // 2
        is_llama = self.arch == "llama"
        a, b = (slice(0, dim, 2), slice(1, dim, 2)) if is_llama else (slice(0, half), slice(half, dim))
        out[..., a], out[..., b] = x[..., a] * cos - x[..., b] * sin, x[..., a] * sin + x[..., b] * cos
        return out

    def logits(self, tokens):
        """For each token those that follow it."""
        w, num, dim = self.w, len(tokens), self.dim
        x = w["token_embd.weight"][tokens]
        future = np.triu(np.full((num, num), -np.inf, np.float32), 1)
        for i in range(self.layers):
            part = lambda name: w[f"blk.{i}.{name}.weight"].T
            y = self.norm(x, part("attn_norm"))
            q, k, v = ((y @ part(name) + w.get(f"blk.{i}.{name}.bias", np.float32(0))).reshape(num, -1, dim)
                       for name in ("attn_q", "attn_k", "attn_v"))
            q, k = self.rope(q), self.rope(k)
            k, v = (np.repeat(z, self.heads // self.kv_heads, 1) for z in (k, v))
            scores = np.einsum("qhd,khd->hqk", q, k, optimize=True) / np.sqrt(np.float32(dim)) + future
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            x = x + np.einsum("hqk,khd->qhd", scores, v, optimize=True).reshape(num, -1) @ part("attn_output")
            y = self.norm(x, part("ffn_norm"))
            gate = y @ part("ffn_gate")
            x = x + (gate / (1 + np.exp(-gate)) * (y @ part("ffn_up"))) @ part("ffn_down")
        x = self.norm(x, w["output_norm.weight"])
        return x @ w.get("output.weight", w["token_embd.weight"]).T
