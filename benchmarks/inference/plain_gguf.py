"""The GGUF file without rounding. In: a GGUF file. Out: one with the same weights as 32-bit floats.

llama.cpp rounds activations to 8 bits wherever weights are quantised. On this file it does not, so it says what an export has to give."""

import gguf
import numpy as np
from places import WORK


def plain(source):
    """The file, made once."""
    target = WORK / "plain.gguf"
    if target.is_file():
        return target
    reader = gguf.GGUFReader(source)
    WORK.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    writer = gguf.GGUFWriter(unfinished, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.rename(target)
    return target
