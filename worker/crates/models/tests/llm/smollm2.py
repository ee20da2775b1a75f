"""Writes smollm2.json beside this script: what SmolLM2-135M-Instruct in Q4_1 writes greedily, as tokens, once in float32
and once by llama.cpp. Needs numpy, gguf 0.19.0 and llama-cpp-python 0.3.36.

    python smollm2.py MODEL.gguf
"""

import json
import sys
from pathlib import Path

import numpy as np
from llama_cpp import Llama

from float32 import Float32

PROMPTS = [
    "Write a function that reverses a list in Python.",
    "What is the capital of France?",
    "Explain what a hash table is in two sentences.",
    "List three uses of a hammer.",
    "Why is the sky blue?",
    "Write a haiku about rain.",
    "How do I undo the last commit in git?",
    "Translate 'good morning' to Spanish.",
    "What does HTTP 404 mean?",
    "Write a SQL query that counts the rows of a table.",
    "def fibonacci(n):",
    "import os\n\ndef read_lines(path):",
    "fn main() {",
    "// Sorts the array in place.\nfunction quickSort(",
    "The quick brown fox",
    "Once upon a time, in a village by the sea,",
    "SELECT name, COUNT(*) FROM",
    "<html>\n<head>\n<title>",
    "#include <stdio.h>\n\nint main(void) {",
    "class Stack:\n    def __init__(self):",
]

NEW = 64
peer = Llama(sys.argv[1], n_ctx=512, n_threads=2, verbose=False)
reference = Float32(sys.argv[1])


def continued(ids, num):
    """By llama.cpp."""
    out = []
    peer.reset()
    for token in peer.generate(ids, temp=0.0, repeat_penalty=1.0):
        out.append(token)
        if len(out) == num:
            return out


def exact(ids):
    """In float32: what llama.cpp proposes is taken as far as it is right, so that few passes are needed."""
    out = []
    while len(out) < NEW:
        draft = continued(ids + out, NEW - len(out))
        best = reference.logits(np.array(ids + out + draft)).argmax(-1)[len(ids) + len(out) - 1:].tolist()
        right = next((i for i, (a, b) in enumerate(zip(draft, best)) if a != b), len(draft))
        out += best[:min(right + 1, len(draft))]
    return out


cases = []
for i, prompt in enumerate(PROMPTS):
    if i < 10:
        prompt = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    ids = peer.tokenize(prompt.encode(), add_bos=False, special=True)
    cases.append({"prompt": ids, "float32": exact(ids), "llama_cpp": continued(ids, NEW)})
rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
(Path(__file__).parent / "smollm2.json").write_text(f"[\n{rows}\n]\n")
