"""Writes the seeds: tiny valid files of each format. Needs the packages gguf, onnx and safetensors; run once, the seeds are committed."""

import json
from pathlib import Path

import gguf
import numpy as np
import onnx
import safetensors.numpy
from onnx import TensorProto, helper

HERE = Path(__file__).parent / "seeds"
TOKENS = ["<|im_start|>", "<|im_end|>", "h", "i", "Ġ", "1", "2", "12", "hi", "Ġhi", "<extra>"]


def folder(name):
    (HERE / name).mkdir(parents=True, exist_ok=True)
    return HERE / name


def llama(path, kind):
    """A llama of one layer; matrices in `kind`, a ggml quantisation, norms in f32."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny")
    writer.add_block_count(1)
    writer.add_context_length(32)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(32)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(8)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3] + [1] * 8 + [4])
    writer.add_token_merges(["h i", "Ġ hi", "1 2"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_chat_template("{{ messages }}")
    random = np.random.default_rng(0)
    shapes = {"token_embd": (len(TOKENS), 32), "blk.0.attn_q": (32, 32), "blk.0.attn_k": (16, 32)}
    for name, shape in shapes.items():
        values = random.standard_normal(shape, dtype=np.float32)
        writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.add_tensor("output_norm.weight", np.ones(32, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def small(path):
    """A header with each kind of value, and a tensor of each type that is an element alone."""
    writer = gguf.GGUFWriter(path, "llama")
    for kind in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"):
        getattr(writer, f"add_{kind}")(f"test.{kind}", 7)
    writer.add_float32("test.float32", 0.5)
    writer.add_float64("test.float64", 0.5)
    writer.add_bool("test.bool", True)
    writer.add_string("test.string", "text")
    writer.add_array("test.numbers", [1, 2, 3])
    writer.add_array("test.texts", ["a", "b"])
    writer.add_tensor("half", np.zeros((2, 4), dtype=np.float16))
    writer.add_tensor("single", np.zeros(3, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def hugging_face():
    """The files of a weights folder: a llama of one layer, two heads and one of keys and values."""
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": len(TOKENS), "hidden_size": 32}
    config |= {"intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1}
    config |= {"max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu"}
    config |= {"tie_word_embeddings": True, "eos_token_id": 1}
    shapes = {"self_attn.q_proj": (32, 32), "self_attn.k_proj": (16, 32), "self_attn.v_proj": (16, 32), "self_attn.o_proj": (32, 32)}
    shapes |= {"mlp.gate_proj": (16, 32), "mlp.up_proj": (16, 32), "mlp.down_proj": (32, 16)}
    shapes |= {"input_layernorm": (32,), "post_attention_layernorm": (32,)}
    tensors = {f"model.layers.0.{name}.weight": np.ones(shape, dtype=np.float16) for name, shape in shapes.items()}
    tensors |= {"model.embed_tokens.weight": np.ones((len(TOKENS), 32), dtype=np.float16), "model.norm.weight": np.ones(32, dtype=np.float16)}
    return json.dumps(config, indent=1).encode(), safetensors.numpy.save(tensors)


def graph(external):
    """A matrix product; its weights in the file, or in `model.onnx.data`."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 4], [0.0] * 16)
    if external:
        weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 4], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", "model.onnx.data"), ("offset", "0"), ("length", "64")):
            weights.external_data.add(key=key, value=value)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])
    inner = helper.make_graph([node], "inner", [value("x")], [value("y")], [weights])
    branch = helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner)
    body = helper.make_graph([node, branch], "outer", [value("x")], [value("y")], [weights])
    return helper.make_model(body).SerializeToString()


def main():
    place = folder("gguf")
    small(place / "values.gguf")
    for kind in ("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"):
        llama(place / f"{kind.lower()}.gguf", gguf.GGMLQuantizationType[kind])
    place = folder("adapter")
    change = {"base_model_name_or_path": "tiny", "peft_type": "LORA", "r": 2, "lora_alpha": 4, "bias": "none"}
    change |= {"target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
    halves = {}
    for layer in range(2):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        halves[f"{name}.lora_A.weight"] = np.zeros((2, 4), dtype=np.float32)
        halves[f"{name}.lora_B.weight"] = np.zeros((4, 2), dtype=np.float32)
    (place / "peft").write_bytes(json.dumps(change).encode() + b"\n%%\n" + safetensors.numpy.save(halves))
    place = folder("safetensors")
    (place / "llama").write_bytes(b"\n%%\n".join(hugging_face()))
    weights = folder("weights")
    (weights / "inside.onnx").write_bytes(graph(False))
    (weights / "beside.onnx").write_bytes(graph(True))

    hub = {"hidden_size": 512, "num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 1024}
    hub |= {"head_dim": 64, "eos_token_id": [2, 0], "model_type": "llama", "num_hidden_layers": 2, "vocab_size": 11}
    decoder = {"filename": "model.onnx", "head_size": 64, "num_key_value_heads": 3, "num_hidden_layers": 2}
    decoder["inputs"] = {"input_ids": "input_ids", "past_key_names": "past_%d_k"}
    decoder["outputs"] = {"logits": "scores", "present_key_names": "present_%d_k"}
    model = {"context_length": 8192, "eos_token_id": 2, "decoder": decoder}
    genai = {"model": model, "search": {"past_present_share_buffer": True}}
    dump = lambda value: json.dumps(value, indent=1).encode()
    place = folder("folder")
    (place / "all").write_bytes(b"\n%%\n".join([dump(genai), dump(hub), dump({"eos_token_id": 7})]))
    (place / "hub").write_bytes(b"\n%%\n" + dump(hub))

    digest = "0" * 64
    manifest = {"export_version": 1, "source": {"file": "a.gguf", "bytes": 4, "sha256": digest}}
    manifest |= {"quantisation": "int8", "kv_cache": "shared", "model_sha256": digest}
    manifest["files"] = [{"name": "config.json", "bytes": 4, "sha256": digest}, {"name": "model.onnx", "bytes": 9, "sha256": digest}]
    place = folder("manifest")
    (place / "all").write_bytes(b"\n%%\n".join([dump(manifest), dump(hub), graph(True)]))


if __name__ == "__main__":
    main()
