#!/usr/bin/env python3
"""Speed of the engine, natively on the processor, against llama.cpp: same file, same tokens, one thread each, in turns.

usage: native.py ENGINE OUT.json NAME=MODEL.gguf… [--rounds N] [--prompt TOKENS] [--new TOKENS]

ENGINE is the program `llm-engine`, built. Needs numpy and llama-cpp-python, built for this machine. What counts is
time on the processor: both compute on one thread, and other programs of a shared machine then do not count. Written
are medians of the ratios of each round (`cpu_native_ratio`).
"""

import argparse
import json
import pathlib
import statistics
import time

import llama_cpp
import numpy
from engine import Engine

TARGETS = {"prefill": "≥ 0.5", "decode": "≥ 0.7"}


class Peer:
    """llama.cpp through its Python package."""

    def __init__(self, model, context):
        self.llama = llama_cpp.Llama(
            model, n_ctx=context, n_batch=512, n_ubatch=512, n_threads=1, n_threads_batch=1, verbose=False
        )
        self.vocab = self.llama.n_vocab()

    def next(self, ids):
        self.llama.eval(ids)
        logits = llama_cpp.llama_get_logits_ith(self.llama.ctx, -1)
        return int(numpy.ctypeslib.as_array(logits, (self.vocab,)).argmax())

    def speed(self, ids, new):
        self.llama.reset()
        start = time.process_time()
        written = [self.next(ids)]
        read = time.process_time()
        for _ in range(new):
            written.append(self.next(written[-1:]))
        return {"prefill_s": read - start, "decode_s": time.process_time() - read, "ids": written}


def measure(engine, name, model, options):
    context = options.prompt + options.new + 8
    ours, peer = Engine(engine, model, context), Peer(model, context)
    # Code, long enough for any prompt that makes sense.
    text = pathlib.Path(__file__).read_text("utf8") * 4
    ids = ours.ask("ids", text=text)["ids"][: options.prompt]
    speeds = {"ours": {"prefill": [], "decode": []}, "peer": {"prefill": [], "decode": []}}
    for turn in range(-1, options.rounds):
        took = {"ours": ours.ask("speed", ids=ids, new=options.new), "peer": peer.speed(ids, options.new)}
        # The first round only warms up.
        if turn < 0:
            continue
        for who, times in took.items():
            speeds[who]["prefill"].append(len(ids) / times["prefill_s"])
            speeds[who]["decode"].append(options.new / times["decode_s"])
    same = next((i for i, (a, b) in enumerate(zip(took["ours"]["ids"], took["peer"]["ids"])) if a != b), None)
    print(f"{name}: both write the same {options.new + 1} tokens" if same is None else f"{name}: the texts part at token {same}")
    ours.close()
    rows = []
    for part, target in TARGETS.items():
        pairs = list(zip(speeds["ours"][part], speeds["peer"][part]))
        ratio = statistics.median(a / b for a, b in pairs)
        mine, theirs = (statistics.median(speeds[who][part]) for who in ("ours", "peer"))
        case = f"{name}, {part}, one thread, llama-cpp-python {llama_cpp.__version__}"
        print(f"cpu_native_ratio {case}: {ratio:.2f} (ours {mine:.1f}, llama.cpp {theirs:.1f} tokens/s)")
        rows.append(
            {"id": "cpu_native_ratio", "case": case, "value": round(ratio, 3), "unit": "x", "target": target,
             "samples": len(pairs), "ours": round(mine, 1), "peer": round(theirs, 1)}
        )  # fmt: skip
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("out")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--new", type=int, default=64)
    options = parser.parse_args()
    print(llama_cpp.llama_print_system_info().decode().strip())
    rows = []
    for model in options.models:
        name, path = model.split("=", 1)
        rows += measure(options.engine, name, path, options)
    pathlib.Path(options.out).write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
