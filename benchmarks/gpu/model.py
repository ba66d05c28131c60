"""Llama-shaped models with random weights. In: a shape. Out: a GGUF file in F16, and the same weights in PyTorch.

Weights are normal with the deviation that transformers starts training from. The row of the end token is zero, so that its logit is 0 and
greedy decoding never ends by itself. The vocabulary is made up: 256 bytes, four marks, and words.
"""

import dataclasses
import pathlib

import gguf
import numpy as np

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
EPSILON, BASE = 1e-5, 500000.0


@dataclasses.dataclass
class Shape:
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int = 4096

    @property
    def head(self):
        return self.hidden // self.heads

    def matrices(self):
        """Name in GGUF, name in transformers, rows, columns."""
        yield "token_embd", "model.embed_tokens", self.vocabulary, self.hidden
        for layer in range(self.layers):
            ours, theirs = f"blk.{layer}", f"model.layers.{layer}"
            yield f"{ours}.attn_q", f"{theirs}.self_attn.q_proj", self.heads * self.head, self.hidden
            yield f"{ours}.attn_k", f"{theirs}.self_attn.k_proj", self.kv_heads * self.head, self.hidden
            yield f"{ours}.attn_v", f"{theirs}.self_attn.v_proj", self.kv_heads * self.head, self.hidden
            yield f"{ours}.attn_output", f"{theirs}.self_attn.o_proj", self.hidden, self.heads * self.head
            yield f"{ours}.ffn_gate", f"{theirs}.mlp.gate_proj", self.feed_forward, self.hidden
            yield f"{ours}.ffn_up", f"{theirs}.mlp.up_proj", self.feed_forward, self.hidden
            yield f"{ours}.ffn_down", f"{theirs}.mlp.down_proj", self.hidden, self.feed_forward
        yield "output", "lm_head", self.vocabulary, self.hidden

    def norms(self):
        for layer in range(self.layers):
            ours, theirs = f"blk.{layer}", f"model.layers.{layer}"
            yield f"{ours}.attn_norm", f"{theirs}.input_layernorm"
            yield f"{ours}.ffn_norm", f"{theirs}.post_attention_layernorm"
        yield "output_norm", "model.norm"

    def parameters(self):
        return sum(rows * columns for _, _, rows, columns in self.matrices())

    def read_a_token(self, bytes_a_weight):
        """Bytes of weights that a step reads: all but the embeddings, of which it takes a row."""
        return (self.parameters() - self.vocabulary * self.hidden) * bytes_a_weight


# About 10 million, 1 billion and 8 billion parameters; the larger two have the shapes of Llama 3.2 1B (untied) and Llama 3.1 8B, with
# smaller vocabularies, because these are made up.
SHAPES = {
    "tiny": Shape(layers=6, hidden=256, feed_forward=1024, heads=8, kv_heads=4, vocabulary=8192, context=1024),
    "1b": Shape(layers=16, hidden=2048, feed_forward=8192, heads=32, kv_heads=8, vocabulary=32000),
    "8b": Shape(layers=32, hidden=4096, feed_forward=14336, heads=32, kv_heads=8, vocabulary=128000),
}


def byte_tokens():
    """The 256 printable stand-ins for bytes of GPT-2's vocabulary, in the order of the bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def words(count):
    """Words with two letters and more, and the merges that lead to them: without merges a word would never be read."""
    letters, level, merges = "abcdefghijklmnopqrstuvwxyz", list("abcdefghijklmnopqrstuvwxyz"), []
    found = []
    while len(found) < count:
        longer = []
        for start in level:
            for letter in letters:
                if len(found) == count:
                    return found, merges
                found.append(start + letter)
                merges.append(f"{start} {letter}")
                longer.append(start + letter)
        level = longer
    return found, merges


def permute(weights, heads):
    """Rows of queries and keys in GGUF's order, in which the two halves of a rotary pair are neighbours."""
    rows, columns = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def unpermute(weights, heads):
    rows, columns = weights.shape
    return weights.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def random_rows(seed, rows, columns):
    """Normal numbers in F16, from a generator for each matrix. Made in blocks: an 8 B model has matrices of 2 GB."""
    out = np.empty((rows, columns), dtype=np.float16)
    generator = np.random.Generator(np.random.SFC64(seed))
    for start in range(0, rows, 4096):
        block = out[start : start + 4096]
        block[...] = generator.standard_normal(block.shape, dtype=np.float32) * 0.02
    return out


def write(shape, path):
    """The GGUF file, if it is not there."""
    path = pathlib.Path(path)
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    writer = gguf.GGUFWriter(partial, "llama", use_temp_file=False)
    writer.add_name(path.stem)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    made_up, merges = words(shape.vocabulary - len(MARKS) - 256)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(MARKS + byte_tokens() + made_up)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control] * len(MARKS) + [normal] * (256 + len(made_up)))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    writer.add_pad_token_id(3)
    writer.add_chat_template(TEMPLATE)

    kinds = [(f"{name}.weight", (shape.hidden,), None, np.float32) for name, _ in shape.norms()]
    kinds += [(f"{name}.weight", (rows, columns), seed, np.float16) for seed, (name, _, rows, columns) in enumerate(shape.matrices())]
    for name, size, _, kind in kinds:
        writer.add_tensor_info(name, size, np.dtype(kind), int(np.prod(size)) * np.dtype(kind).itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    # One after another: nobody holds an 8 B model twice.
    for name, size, seed, kind in kinds:
        if seed is None:
            writer.write_tensor_data(np.ones(size, dtype=kind))
            continue
        weights = random_rows(seed, *size)
        if name == "output.weight":
            weights[0] = 0
        if ".attn_q." in name:
            weights = permute(weights, shape.heads)
        if ".attn_k." in name:
            weights = permute(weights, shape.kv_heads)
        writer.write_tensor_data(np.ascontiguousarray(weights))
    writer.close()
    partial.rename(path)


def in_torch(shape, path, device, dtype):
    """The same weights as a model of transformers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.context,
        rms_norm_eps=EPSILON,
        rope_parameters={"rope_type": "default", "rope_theta": BASE},
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=0,
        pad_token_id=3,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(before)
    heads = {"attn_q": shape.heads, "attn_k": shape.kv_heads}
    theirs = {ours: name for ours, name, _, _ in shape.matrices()} | dict(shape.norms())
    parameters = dict(model.named_parameters())
    for tensor in gguf.GGUFReader(path).tensors:
        ours = tensor.name.removesuffix(".weight")
        values = tensor.data
        part = ours.rsplit(".", 1)[-1]
        if part in heads:
            values = unpermute(values, heads[part])
        with torch.no_grad():
            parameters[f"{theirs[ours]}.weight"].copy_(torch.from_numpy(np.array(values)))
    return model.eval()
