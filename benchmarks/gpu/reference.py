"""A llama in NumPy, in 32 bits, as its paper has it: what logits should be where PyTorch is left out. For small models."""

import gguf
import numpy as np

from model import BASE, EPSILON, unpermute


def logits(shape, path, ids):
    heads = {"attn_q": shape.heads, "attn_k": shape.kv_heads}
    weights = {}
    for tensor in gguf.GGUFReader(path).tensors:
        name = tensor.name.removesuffix(".weight")
        values = np.array(tensor.data).astype(np.float32)
        part = name.rsplit(".", 1)[-1]
        weights[name] = unpermute(values, heads[part]) if part in heads else values

    length, size = len(ids), shape.head
    frequencies = 1 / BASE ** (np.arange(0, size, 2) / size)
    angles = np.tile(np.outer(np.arange(length), frequencies), 2)
    cosine, sine = np.cos(angles), np.sin(angles)

    def norm(x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) * weight

    def rotate(x):
        half = np.concatenate([-x[..., size // 2 :], x[..., : size // 2]], -1)
        return x * cosine + half * sine

    def split(x, count):
        return x.reshape(length, count, size).transpose(1, 0, 2)

    x = weights["token_embd"][ids]
    for layer in range(shape.layers):
        of = lambda part: weights[f"blk.{layer}.{part}"].T
        h = norm(x, weights[f"blk.{layer}.attn_norm"])
        queries = rotate(split(h @ of("attn_q"), shape.heads))
        shared = shape.heads // shape.kv_heads
        keys = np.repeat(rotate(split(h @ of("attn_k"), shape.kv_heads)), shared, 0)
        values = np.repeat(split(h @ of("attn_v"), shape.kv_heads), shared, 0)
        scores = queries @ keys.transpose(0, 2, 1) / np.sqrt(size)
        scores = np.where(np.tril(np.ones((length, length), bool)), scores, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        x = x + (scores @ values).transpose(1, 0, 2).reshape(length, -1) @ of("attn_output")
        h = norm(x, weights[f"blk.{layer}.ffn_norm"])
        gate = h @ of("ffn_gate")
        x = x + (gate / (1 + np.exp(-gate)) * (h @ of("ffn_up"))) @ of("ffn_down")
    return norm(x, weights["output_norm"]) @ weights["output"].T
