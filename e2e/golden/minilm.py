#!/usr/bin/env python3
"""Write minilm.json beside this file: a few texts with what all-MiniLM-L6-v2 makes of them in float32, computed by
onnxruntime and the Python tokenizers, which share no code with ours. Vectors are float32, little-endian, in base64.

usage: minilm.py ONNX_DIR MODEL_DIR     ONNX_DIR as ../bench/minilm_onnx.py writes it, MODEL_DIR with tokenizer.json
(needs: pip install numpy onnxruntime tokenizers)
"""
import base64
import json
import pathlib
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

TEXTS = [
    "Hot tea, please.",
    "fn steep(minutes: u32) -> Result<Cup, TeaError> { pot.pour(minutes * 60) }",
    "Größe, naïve café, 東京, e\u0301, 👩‍🚀 and a tab\there",
    "How does the index find the nearest neighbours of a query when half of the segment was deleted meanwhile?",
]


def main(onnx_dir, model_dir):
    tokenizer = Tokenizer.from_file(str(pathlib.Path(model_dir) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    session = onnxruntime.InferenceSession(str(pathlib.Path(onnx_dir) / "model.onnx"))
    cases = []
    for text in TEXTS:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        wanted = {entry.name for entry in session.get_inputs()}
        states = session.run(["last_hidden_state"], {k: v for k, v in feeds.items() if k in wanted})[0]
        mean = states[0].astype(np.float64).mean(axis=0)
        vector = (mean / np.linalg.norm(mean)).astype("<f4")
        cases.append({"text": text, "tokens": ids.shape[1], "vector": base64.b64encode(vector.tobytes()).decode()})
    out = pathlib.Path(__file__).with_name("minilm.json")
    out.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
