"""Writes smollm2.json beside this script: what llama.cpp writes with SmolLM2-135M-Instruct in Q4_1, greedily, as tokens.
Needs the Python package llama-cpp-python 0.3.36.

    python smollm2.py MODEL.gguf
"""

import json
import sys
from pathlib import Path

from llama_cpp import Llama

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

model = Llama(sys.argv[1], n_ctx=512, n_threads=2, verbose=False)
cases = []
for i, prompt in enumerate(PROMPTS):
    if i < 10:
        prompt = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    ids = model.tokenize(prompt.encode(), add_bos=False, special=True)
    out = []
    for token in model.generate(ids, temp=0.0, repeat_penalty=1.0):
        out.append(token)
        if len(out) == 64:
            break
    cases.append({"prompt": ids, "tokens": out})
rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
(Path(__file__).parent / "smollm2.json").write_text(f"[\n{rows}\n]\n")
