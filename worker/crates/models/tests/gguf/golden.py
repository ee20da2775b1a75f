"""Writes golden.bin beside this script, a GGUF file: blocks of every format with what the reference makes of them, and
metadata of every type. Needs the Python packages gguf 0.19.0 and numpy; gives the same bytes on every run.

    python golden.py

Tensors come in pairs: `in.Q4_K` holds blocks, `out.Q4_K` the numbers as float32.
"""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFValueType as Value
from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize

TYPES = [Type.F32, Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0,
         Type.Q4_K, Type.Q5_K, Type.Q6_K]
# Where the half-precision scales lie in a block.
SCALES = {Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
          Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208]}
# Zero, minus zero, smallest and largest below the normal range, smallest normal, one, largest, infinities, and two
# that are not numbers.
EXTREMES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0xFD01]
FLOATS = [0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000]


def blocks(kind, rng):
    """Random blocks, most with scales as models have them, some with extreme ones, some with all bits equal."""
    length, size = GGML_QUANT_SIZES[kind]
    if kind == Type.F32:
        return np.concatenate([np.array(FLOATS, np.uint32), rng.integers(0, 2**32, 119, np.uint32)]).view(np.uint8)
    if length == 1:
        bits = np.arange(0, 0x10000, 0x81, dtype=np.uint32).astype(np.uint16)
        extremes = EXTREMES if kind == Type.F16 else [bits >> 16 for bits in FLOATS]
        return np.concatenate([np.array(extremes, np.uint16), bits]).view(np.uint8)
    num = 10 if length == 256 else 14
    data = rng.integers(0, 256, (num, size), np.uint8)
    data[num - 2], data[num - 1] = 0, 255
    for i in range(num):
        for j, at in enumerate(SCALES[kind]):
            if i % 2 == 0 and length == 256:
                scale = np.float16(rng.normal() * 0.01).view(np.uint16)
            elif length == 256:
                scale = EXTREMES[(i + j) * 5 % len(EXTREMES)]
            elif i < 2:
                scale = np.float16(rng.normal() * 0.01).view(np.uint16)
            else:
                scale = EXTREMES[(i - 2 + j * 5) % len(EXTREMES)]
            data[i, at:at + 2] = np.array([scale], np.uint16).view(np.uint8)
    return data.reshape(-1)


def main():
    rng = np.random.default_rng(3)
    out = GGUFWriter(Path(__file__).parent / "golden.bin", "golden")
    for kind, value in [(Value.UINT8, 255), (Value.INT8, -128), (Value.UINT16, 65535), (Value.INT16, -32768),
                        (Value.UINT32, 2**32 - 1), (Value.INT32, -2**31), (Value.UINT64, 2**64 - 1),
                        (Value.INT64, -2**63), (Value.FLOAT32, 1.5), (Value.FLOAT64, -0.1), (Value.BOOL, True),
                        (Value.STRING, "Grüße, 世界 🦀\n")]:
        out.add_key_value(f"one.{kind.name}", value, kind)
        out.add_key_value(f"many.{kind.name}", [value, value], Value.ARRAY, kind)
    out.add_key_value("many.ARRAY", [[1, 2, 3], ["a", ""], [[True], [False, True]]], Value.ARRAY)
    with np.errstate(all="ignore"):
        for kind in TYPES:
            data = blocks(kind, rng)
            numbers = dequantize(data, kind)
            out.add_tensor(f"in.{kind.name}", data, raw_shape=data.shape, raw_dtype=kind)
            out.add_tensor(f"out.{kind.name}", numbers.astype(np.float32).reshape(-1))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


main()
