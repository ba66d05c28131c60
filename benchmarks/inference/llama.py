"""Logits of every position from llama.cpp. In: a GGUF file and token ids. Out: one row of logits a token.

xllamacpp's Python classes give no prompt logits, but its shared library exports llama.cpp's C interface, which is called here.
Its parameter structures change between versions: they are taken from llama.cpp's own defaults, and the few fields that are
set are checked to hold their documented default first.
"""

import ctypes as c
import glob
import os

import numpy as np
import xllamacpp


class Parameters(c.Structure):
    """Larger than any parameter structure of the library; it is passed by value, and the callee reads its own part."""

    _fields_ = [("words", c.c_uint32 * 128)]


class Batch(c.Structure):
    """`llama_batch`."""

    _fields_ = [
        ("count", c.c_int32),
        ("token", c.POINTER(c.c_int32)),
        ("embedding", c.c_void_p),
        ("position", c.POINTER(c.c_int32)),
        ("sequences", c.POINTER(c.c_int32)),
        ("sequence", c.POINTER(c.POINTER(c.c_int32))),
        ("logits", c.POINTER(c.c_int8)),
    ]


LOG = c.CFUNCTYPE(None, c.c_int, c.c_char_p, c.c_void_p)
QUIET = LOG(lambda *_: None)

# Word of `llama_context_params`: its default.
CONTEXT, BATCH, MICRO_BATCH, SEQUENCES, OUTPUTS, OUTPUTS_OF_ONE, DECODE_THREADS, PREFILL_THREADS = 0, 1, 2, 3, 5, 6, 7, 8
FLASH_ATTENTION, KEYS, VALUES = 13, 26, 27
DEFAULTS = {CONTEXT: 512, BATCH: 2048, MICRO_BATCH: 512, SEQUENCES: 1, OUTPUTS: 0, OUTPUTS_OF_ONE: 1,
            DECODE_THREADS: 4, PREFILL_THREADS: 4, FLASH_ATTENTION: 2**32 - 1, KEYS: 1, VALUES: 1}


class Llama:
    """A model that gives the logits of up to `window` tokens at once; with `exact`, keys and values are not rounded either."""

    def __init__(self, path, window, threads, exact=False):
        (library,) = glob.glob(os.path.join(os.path.dirname(xllamacpp.__file__), "*.so"))
        self.library = c.CDLL(library)
        self.call("llama_log_set", None, LOG, c.c_void_p)(QUIET, None)
        self.call("llama_backend_init", None)()
        model = self.call("llama_model_default_params", Parameters)()
        context = self.call("llama_context_default_params", Parameters)()
        found = {word: context.words[word] for word in DEFAULTS}
        if found != DEFAULTS:
            raise RuntimeError(f"llama_context_params has changed: {found}; look up its fields and change llama.py")
        for word, value in ((CONTEXT, window), (BATCH, window), (MICRO_BATCH, window), (OUTPUTS, window),
                            (OUTPUTS_OF_ONE, window), (DECODE_THREADS, threads), (PREFILL_THREADS, threads)):
            context.words[word] = value
        if exact:
            # Plain attention over 32-bit floats, `GGML_TYPE_F32`.
            context.words[FLASH_ATTENTION] = context.words[KEYS] = context.words[VALUES] = 0
        self.model = self.call("llama_model_load_from_file", c.c_void_p, c.c_char_p, Parameters)(str(path).encode(), model)
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot read {path}")
        self.context = self.call("llama_init_from_model", c.c_void_p, c.c_void_p, Parameters)(self.model, context)
        self.vocabulary = self.call("llama_model_get_vocab", c.c_void_p, c.c_void_p)(self.model)
        self.width = self.call("llama_vocab_n_tokens", c.c_int32, c.c_void_p)(self.vocabulary)
        self.batch = self.call("llama_batch_init", Batch, c.c_int32, c.c_int32, c.c_int32)(window, 0, 1)
        self.memory = self.call("llama_get_memory", c.c_void_p, c.c_void_p)(self.context)
        self.clear = self.call("llama_memory_clear", None, c.c_void_p, c.c_bool)
        self.decode = self.call("llama_decode", c.c_int32, c.c_void_p, Batch)
        self.get_logits = self.call("llama_get_logits", c.POINTER(c.c_float), c.c_void_p)

    def call(self, name, result, *arguments):
        """A function of the library."""
        function = getattr(self.library, name)
        function.restype, function.argtypes = result, list(arguments)
        return function

    def tokenize(self, text):
        """Ids of a text, without a first token of its own."""
        text = text.encode()
        ids = (c.c_int32 * (len(text) + 8))()
        tokenize = self.call("llama_tokenize", c.c_int32, c.c_void_p, c.c_char_p, c.c_int32, c.POINTER(c.c_int32),
                             c.c_int32, c.c_bool, c.c_bool)
        return list(ids[: tokenize(self.vocabulary, text, len(text), ids, len(ids), False, False)])

    def logits(self, ids):
        """`[tokens, vocabulary]`."""
        self.clear(self.memory, True)
        self.batch.count = len(ids)
        for place, token in enumerate(ids):
            self.batch.token[place], self.batch.position[place] = int(token), place
            self.batch.sequences[place], self.batch.sequence[place][0], self.batch.logits[place] = 1, 0, 1
        status = self.decode(self.context, self.batch)
        if status != 0:
            raise RuntimeError(f"llama_decode gave {status}")
        return np.ctypeslib.as_array(self.get_logits(self.context), (len(ids), self.width))
