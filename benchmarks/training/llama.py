"""A decoder of the Llama family in plain PyTorch, with Hugging Face's names. In: a folder of weights, rows of tokens. Out: logits.

It is the judge of `training/finetune`: the benchmark times it, and `training/finetune/fixtures/make.py` takes its gradients. Modules are
functions of tensors, so that each can be judged alone.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

# SmolLM2-135M, as its `config.json` has it.
SMOLLM2 = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 576,
    "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64,
    "vocab_size": 49152, "rope_theta": 100000.0, "rms_norm_eps": 1e-5, "max_position_embeddings": 8192,
    "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False, "torch_dtype": "float32",
}


def norm(x, weight, epsilon):
    """RMS norm over the last dimension."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * weight


def angles(positions, dimension, base):
    """Cosines and sines, positions × dimension, in the half-split order."""
    frequencies = 1.0 / base ** (torch.arange(0, dimension, 2, dtype=torch.float32) / dimension)
    turns = torch.outer(positions.float(), frequencies)
    turns = torch.cat([turns, turns], -1)
    return turns.cos(), turns.sin()


def rotate(x, cosine, sine):
    """Rotary positions; x is … × positions × dimension."""
    half = x.shape[-1] // 2
    return x * cosine + torch.cat([-x[..., half:], x[..., :half]], -1) * sine


def visible(length, prefix, documents):
    """What each token of a row of `loquat_finetune::Row` sees, as booleans length × length: the prefix and its own document, causally."""
    document = torch.zeros(length, dtype=torch.long)
    for number, start in enumerate(documents, 1):
        document[start:] = number
    document[:prefix] = 0
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    return causal & ((document[None, :] == document[:, None]) | (torch.arange(length)[None, :] < prefix))


def positions(length, prefix, documents):
    """Those of a row: each document's go on from the prefix."""
    result = torch.arange(length)
    for start in documents:
        result[start:] = torch.arange(length - start) + prefix
    return result


def attend(q, k, v, mask=None):
    """Grouped attention, … heads × tokens × dimension; causal where there is no mask."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True)


class Linear(nn.Module):
    """A linear layer, with a low-rank part beside it after `adapt`: y = xWᵀ + α/r · (xAᵀ)Bᵀ (Hu et al., "LoRA", 2021)."""

    def __init__(self, outputs, inputs, bias=False):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self.scale = None

    def adapt(self, rank, alpha):
        """As PEFT does: A is Kaiming-uniform with a = √5, B is 0."""
        outputs, inputs = self.weight.shape
        self.weight.requires_grad_(False)
        self.lora_A, self.lora_B = nn.Parameter(torch.empty(rank, inputs)), nn.Parameter(torch.zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scale = alpha / rank

    def forward(self, x):
        y = F.linear(x, self.weight, self.bias)
        return y if self.scale is None else y + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads, self.head = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        self.epsilon = c["rms_norm_eps"]
        hidden, inner, bias = c["hidden_size"], c["intermediate_size"], c.get("attention_bias", False)
        self.input_layernorm = nn.ParameterDict({"weight": torch.empty(hidden)})
        self.post_attention_layernorm = nn.ParameterDict({"weight": torch.empty(hidden)})
        self.self_attn, self.mlp = nn.Module(), nn.Module()
        self.self_attn.q_proj = Linear(self.heads * self.head, hidden, bias)
        self.self_attn.k_proj = Linear(self.kv_heads * self.head, hidden, bias)
        self.self_attn.v_proj = Linear(self.kv_heads * self.head, hidden, bias)
        self.self_attn.o_proj = Linear(hidden, self.heads * self.head)
        self.mlp.gate_proj, self.mlp.up_proj = Linear(inner, hidden), Linear(inner, hidden)
        self.mlp.down_proj = Linear(hidden, inner)

    def forward(self, x, cosine, sine, mask):
        split = lambda y, heads: y.unflatten(-1, (heads, self.head)).transpose(-3, -2)
        h = norm(x, self.input_layernorm["weight"], self.epsilon)
        a = self.self_attn
        q, k, v = split(a.q_proj(h), self.heads), split(a.k_proj(h), self.kv_heads), split(a.v_proj(h), self.kv_heads)
        q, k = rotate(q, cosine, sine).to(v.dtype), rotate(k, cosine, sine).to(v.dtype)
        x = x + a.o_proj(attend(q, k, v, mask).transpose(-3, -2).flatten(-2))
        h = norm(x, self.post_attention_layernorm["weight"], self.epsilon)
        return x + self.mlp.down_proj(F.silu(self.mlp.gate_proj(h)) * self.mlp.up_proj(h))


class Llama(nn.Module):
    """`model` and `lm_head` are attributes, so that names are Hugging Face's."""

    def __init__(self, config):
        super().__init__()
        self.config = dict(config)
        self.config.setdefault("head_dim", config["hidden_size"] // config["num_attention_heads"])
        c = self.config
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.model.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.model.norm = nn.ParameterDict({"weight": torch.empty(c["hidden_size"])})
        self.lm_head = None if c["tie_word_embeddings"] else Linear(c["vocab_size"], c["hidden_size"])

    def forward(self, tokens, places=None, mask=None):
        """Tokens are … × length; `places` are their positions, 0, 1, 2 … unless given. Logits are … × length × vocabulary."""
        c = self.config
        places = torch.arange(tokens.shape[-1]) if places is None else places
        cosine, sine = angles(places, c["head_dim"], c["rope_theta"])
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, cosine, sine, mask)
        x = norm(x, self.model.norm["weight"], c["rms_norm_eps"])
        return F.linear(x, (self.lm_head or self.model.embed_tokens).weight)

    def initialise(self, seed):
        """Normal with a deviation of 0.02, norms near 1; the same for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, weight in self.named_parameters():
                weight.normal_(0.0, 0.02, generator=generator)
                if "norm" in name:
                    weight.add_(1.0)
        return self

    def adapt(self, rank, alpha, targets, seed):
        """Only low-rank parts beside the layers named in `targets` learn."""
        torch.manual_seed(seed)
        self.requires_grad_(False)
        for name, module in self.named_modules():
            if name.rsplit(".", 1)[-1] in targets:
                module.adapt(rank, alpha)
        return self

    def save(self, folder):
        """As Hugging Face does."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config, indent=1) + "\n")
        save_file({name: weight.detach().contiguous() for name, weight in self.named_parameters()},
                  folder / "model.safetensors", metadata={"format": "pt"})

    @classmethod
    def load(cls, folder):
        folder = pathlib.Path(folder)
        model = cls(json.loads((folder / "config.json").read_text()))
        with torch.no_grad():
            for name, weight in load_file(folder / "model.safetensors").items():
                model.get_parameter(name).copy_(weight)
        return model
