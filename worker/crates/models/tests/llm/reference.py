"""Holds the logits of the engine, and those of llama.cpp, against float32 arithmetic on the dequantised weights.
Needs numpy, gguf 0.19.0 and llama-cpp-python 0.3.36.

    python reference.py MODEL.gguf TEXT_FILE LLM_LOGITS [POSITIONS]

LLM_LOGITS is the example `llm_logits`, built. The text is cut into pieces of 250 tokens.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from llama_cpp import Llama

from float32 import Float32

TEXT = 250
path, text, program = sys.argv[1:4]
positions = int(sys.argv[4]) if len(sys.argv) > 4 else 2000

reference = Float32(path)
peer = Llama(path, n_ctx=TEXT, n_threads=2, logits_all=True, verbose=False)
tokens = np.array(peer.tokenize(Path(text).read_bytes(), add_bos=False)[:positions], "<u4")
expected = np.concatenate([reference.logits(tokens[i:i + TEXT]) for i in range(0, len(tokens), TEXT)])


def compare(name, got):
    off = np.abs(got - expected)
    same = (got.argmax(-1) == expected.argmax(-1)).mean()
    print(f"{name}: {len(got)} positions, off by {off.max():.4f} at most, {off.mean():.5f} on average, "
          f"top-1 equal on {100 * same:.2f} %")


def theirs():
    for i in range(0, len(tokens), TEXT):
        peer.reset()
        peer.eval(tokens[i:i + TEXT].tolist())
        yield peer.scores[:len(tokens[i:i + TEXT])].copy()


with tempfile.TemporaryDirectory() as folder:
    ids, out = Path(folder) / "ids", Path(folder) / "out"
    ids.write_bytes(tokens.tobytes())
    subprocess.run([program, path, str(ids), str(out)], check=True)
    compare("Alcove", np.fromfile(out, "<f4").reshape(len(tokens), -1))
compare("llama.cpp", np.concatenate(list(theirs())))
