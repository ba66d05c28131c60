"""Logits of every position from an ONNX export, through ONNX Runtime's own Python. In: a model folder and token ids. Out: one row
of logits a token."""

import json

import numpy as np
import onnxruntime


class Onnx:
    """A model folder in GenAI's layout, without a past."""

    def __init__(self, folder, threads):
        decoder = json.loads((folder / "genai_config.json").read_text())["model"]["decoder"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(folder / decoder["filename"]), options, ["CPUExecutionProvider"])
        heads, size = decoder["num_key_value_heads"], decoder["head_size"]
        self.fixed = {}
        for layer in range(decoder["num_hidden_layers"]):
            for names in ("past_key_names", "past_value_names"):
                self.fixed[decoder["inputs"][names] % layer] = np.zeros((1, heads, 0, size), np.float32)

    def logits(self, ids):
        """`[tokens, vocabulary]`."""
        given = {"input_ids": np.array([ids], np.int64), "attention_mask": np.ones((1, len(ids)), np.int64), **self.fixed}
        if any(one.name == "logits_to_keep" for one in self.session.get_overridable_initializers()):
            given["logits_to_keep"] = np.array([len(ids)], np.int64)
        return self.session.run(["logits"], given)[0][0]
