#!/usr/bin/env python3
"""HumanEval, pass@1, greedy: the engine natively, and llama.cpp on the same file with the same prompts.

usage: humaneval.py ours ENGINE MODEL.gguf HumanEval.jsonl.gz LOG.jsonl [--limit N]
       humaneval.py llama MODEL.gguf HumanEval.jsonl.gz LOG.jsonl [--limit N] [--threads T]
       humaneval.py score HumanEval.jsonl.gz LOG.jsonl
       humaneval.py rows OURS.jsonl LLAMA.jsonl OUT.json

ENGINE is the program `llm-engine`, built; `llama` needs llama-cpp-python. A log has one answer a line: task, passed,
text. A log that is there is continued, so an hour's work survives an interruption; `score` runs the programs of a log
again. The two logs behind docs/benchmarks.md are in docs/humaneval. The prompt asks for a whole script and opens the
answer with a code fence, as EvalPlus does. A program is something that a model made up, so each runs without network,
on a file system that it can only read, for ten seconds and in one GiB; where the system has no way to do that, nothing
is run.
"""

import argparse
import gzip
import json
import pathlib
import shutil
import subprocess
import sys

SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
WISH = "Please provide a self-contained Python script that solves the following problem in a markdown code block:"
OPENING = "Below is a Python script with a self-contained function that solves the problem and passes corresponding tests:"
STOPS = ["```", "<|im_end|>"]
MAX_NEW = 512
CONTEXT = 2048
SECONDS = 10
BYTES = 1 << 30
# Points that pass@1 may lie below that of llama.cpp.
MARGIN = 2.0

# Everything is remounted for reading, and /tmp is a new one in memory.
NAMESPACES = ["unshare", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c"]
INSIDE = f"""
cut -d' ' -f2 /proc/self/mounts | while read -r at; do mount -o remount,bind,ro "$at" 2>/dev/null; done
mount -t tmpfs -o size=64m tmpfs /tmp && cd /tmp && exec prlimit --as={BYTES} python3 -I -
"""


def sandbox():
    """The command that runs a program from its standard input."""
    if shutil.which("bwrap"):
        command = ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev"]
        command += ["--proc", "/proc", "--tmpfs", "/tmp", "--chdir", "/tmp", "prlimit", f"--as={BYTES}", "python3", "-I", "-"]
    else:
        command = [*NAMESPACES, INSIDE]
    trial = "try: open('/here', 'w')\nexcept OSError: print('held')"
    ran = subprocess.run(command, input=trial, capture_output=True, text=True)
    if ran.stdout.strip() != "held":
        sys.exit(
            "Programs that a model wrote cannot be held here: neither bubblewrap nor unshare of util-linux works. "
            "Install bubblewrap, or allow user namespaces." + f" {ran.stderr.strip()}"
        )
    return command


def passes(command, program, problem):
    """Whether the problem's own tests are content with a program."""
    text = f"{program}\n\n{problem['test']}\n\ncheck({problem['entry_point']})\n"
    try:
        return subprocess.run(command, input=text.encode(), capture_output=True, timeout=SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def judge(command, text, problem):
    """An answer counts by itself, or as the rest of what was asked."""
    return passes(command, text, problem) or passes(command, problem["prompt"] + text, problem)


def prompt_of(problem):
    user = f"{WISH}\n```\n{problem['prompt'].strip()}\n```\n"
    turns = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
    return f"{turns}<|im_start|>assistant\n{OPENING}\n```python\n"


def read_problems(path, limit=None):
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines][:limit]


def read_log(path):
    file = pathlib.Path(path)
    return [json.loads(line) for line in file.read_text("utf8").splitlines()] if file.exists() else []


def run(data, log, limit, write):
    """Let `write` answer every problem that is not in the log."""
    command, problems = sandbox(), read_problems(data, limit)
    if not judge(command, problems[0]["prompt"] + problems[0]["canonical_solution"], problems[0]):
        sys.exit("The sandbox does not run the known answer to the first problem.")
    done = {entry["task"] for entry in read_log(log)}
    with open(log, "a", encoding="utf8") as out:
        for i, problem in enumerate(problems):
            if problem["task_id"] in done:
                continue
            text = write(prompt_of(problem))
            entry = {"task": problem["task_id"], "passed": judge(command, text, problem), "text": text}
            out.write(json.dumps(entry) + "\n")
            out.flush()
            print(f"{i + 1} of {len(problems)}: {problem['task_id']} {'passed' if entry['passed'] else 'failed'}", flush=True)
    tell(read_log(log))


def tell(log):
    passed = sum(entry["passed"] for entry in log)
    print(f"pass@1 {100 * passed / max(1, len(log)):.1f} ({passed} of {len(log)})")


def ours(a):
    from engine import Engine

    engine = Engine(a.engine, a.model, CONTEXT)
    run(a.data, a.log, a.limit, lambda prompt: engine.ask("write", prompt=prompt, new=MAX_NEW, stop=STOPS)["text"])
    engine.close()


def llama(a):
    from llama_cpp import Llama

    peer = Llama(a.model, n_ctx=CONTEXT, n_threads=a.threads, n_threads_batch=a.threads, verbose=False)

    def write(prompt):
        return peer(prompt, max_tokens=MAX_NEW, temperature=0.0, stop=STOPS)["choices"][0]["text"]

    run(a.data, a.log, a.limit, write)


def score(a):
    command, log = sandbox(), read_log(a.log)
    problems = {problem["task_id"]: problem for problem in read_problems(a.data)}
    for entry in log:
        was, entry["passed"] = entry["passed"], judge(command, entry["text"], problems[entry["task"]])
        if was != entry["passed"]:
            print(f"{entry['task']} {'passes' if entry['passed'] else 'fails'} now")
    pathlib.Path(a.log).write_text("".join(json.dumps(entry) + "\n" for entry in log), "utf8")
    tell(log)


def rows(a):
    mine, theirs = ({entry["task"]: entry for entry in read_log(log)} for log in (a.ours, a.llama))
    tasks = [task for task in mine if task in theirs]
    if not tasks or len(tasks) < max(len(mine), len(theirs)):
        sys.exit(f"The logs have {len(mine)} and {len(theirs)} problems, {len(tasks)} of them in both: no figure comes of that.")
    share = lambda log: 100 * sum(log[task]["passed"] for task in tasks) / len(tasks)
    a_, b_ = share(mine), share(theirs)
    same = sum(mine[task]["text"] == theirs[task]["text"] for task in tasks)
    print(f"ours {a_:.1f}, llama.cpp {b_:.1f}; {same} of {len(tasks)} answers are the same to the letter")
    for task in tasks:
        if mine[task]["passed"] != theirs[task]["passed"]:
            print(f"{task}: {'ours' if mine[task]['passed'] else 'llama.cpp'} alone passes")
    row = lambda case, value, target, unit: {
        "id": "humaneval_pass1", "case": case, "value": round(value, 2), "unit": unit, "target": target, "samples": len(tasks)
    }
    name = "Qwen2.5-Coder-0.5B-Instruct, natively"
    out = [
        row(f"{name}, ours", a_, f"≥ {b_ - MARGIN:.1f}", "%"),
        row(f"{name}, llama.cpp", b_, "", "%"),
        row(f"{name}, ours − llama.cpp", a_ - b_, f"≥ −{MARGIN:g}", "points"),
        row(f"{name}, the same answer to the letter", 100 * same / len(tasks), "", "%"),
    ]
    pathlib.Path(a.out).write_text(json.dumps(out, indent=1, ensure_ascii=False), "utf8")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for do, names in ((ours, "engine model data log"), (llama, "model data log"), (score, "data log"), (rows, "ours llama out")):
        command = commands.add_parser(do.__name__)
        command.set_defaults(do=do)
        for name in names.split():
            command.add_argument(name)
        if do in (ours, llama):
            command.add_argument("--limit", type=int)
        if do is llama:
            command.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    a.do(a)


if __name__ == "__main__":
    main()
