#!/usr/bin/env python3
"""Build the set that search quality is measured on, out of published Python packages.

usage: make.py [OUT_DIR]      (default: evaluation-set in the cache folder, $ALCOVE_CACHE or ~/.cache/alcove)

Documentation is taken away from the code and asked for again: every documented function or method of 5 to 120 lines
loses its docstring, and the first sentence of that docstring becomes a query whose answer is the function. Written:

  repo/**.py      the tree to index
  queries.jsonl   {"query", "path", "start", "end", "name"}; lines are 1-based and inclusive, in the stripped file
  chunks.jsonl    {"path", "start", "end"}: how the plain reference cuts the tree (definitions, else 40..80 lines)

Only the standard library and pip are needed. A set that is already there and complete is left as it is.
"""

import ast
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Pure wheels with their checksums, so that every machine measures the same tree.
PACKAGES = {
    "requests==2.32.4": "27babd3cda2a6d50b30443204ee89830707d396671944c998b5975b031ac2b2c",
    "click==8.2.1": "61a3265b914e850b85317d0b3109c7f8cd35a670f963866005d6ef1d5175a12b",
    "fastapi==0.115.12": "e94613d6c05e27be7ffebdd6ea5f388112e5e430c8f7d6494a9d1d88d43e814d",
    "SQLAlchemy==2.0.41": "57df5dc6fdb5ed1a88a1ed2195fd31927e705cad62dedd86b46972752a80f576",
    "pytest==8.4.0": "f40f825768ad76c0977cbacdf1fd37c6f7a468e460ea6a0636078f8972d4517e",
    "celery==5.5.3": "0b5761a07057acee94694464ca482416b959568904c9dfa41ce8413a7d65d525",
    "werkzeug==3.1.3": "54b78bf3716d19a65be4fceccc0d1d7b89e608834989dfae50ea87564639213e",
}

# Raise it when the method changes, so that a set in the cache is built again.
VERSION = 1

NOT_INDEXED = re.compile(r"(^|/)(tests?|docs?|examples?|_vendor|benchmarks?)(/|$)")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def download(spec, sha256, folder):
    """Fetch one wheel by name and checksum; returns the folder that it is unpacked in."""
    wheels, tree = folder / "wheel", folder / "tree"
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{spec} --hash=sha256:{sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--platform", "any", "--implementation", "py", "--abi", "none"]
    command += ["--python-version", "3.11", "--require-hashes", "-r", str(requirement), "-d", str(wheels)]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(tree)
    return tree


def first_sentence(docstring):
    """The first sentence of a docstring without reStructuredText marks."""
    text = " ".join(docstring.strip().split("\n\n")[0].split())
    text = re.sub(r":\w+:`~?\.?([^`]*)`", r"\1", text).replace("``", "").replace("`", "")
    return re.split(r"(?<=[.!?])\s", text)[0].strip()


def is_query(sentence):
    return 5 <= len(sentence.split()) <= 40 and re.search(r"[a-z]{3}", sentence) is not None


def first_line(node):
    """Line of a definition, decorators included."""
    return min([node.lineno] + [d.lineno for d in node.decorator_list])


def strip_docstrings(source):
    """Returns the source without docstrings and, with line numbers in it, [(query, start, end, name)]."""
    tree, lines = ast.parse(source), source.split("\n")
    cut, found = set(), []

    def visit(node, owner):
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, FUNCTION + (ast.ClassDef,)):
                visit(child, owner)
                continue
            name = f"{owner}.{child.name}" if owner else child.name
            docstring = ast.get_docstring(child)
            # A body of nothing but a docstring keeps it: without it the file would not parse.
            if docstring and len(child.body) > 1:
                cut.update(range(child.body[0].lineno, child.body[0].end_lineno + 1))
                sentence = first_sentence(docstring)
                if isinstance(child, FUNCTION) and is_query(sentence):
                    found.append((sentence, first_line(child), child.end_lineno, name))
            visit(child, name)

    visit(tree, "")
    if ast.get_docstring(tree) and len(tree.body) > 1:
        cut.update(range(tree.body[0].lineno, tree.body[0].end_lineno + 1))

    kept, moved = [], {}
    for number, line in enumerate(lines, 1):
        if number not in cut:
            kept.append(line)
            moved[number] = len(kept)
    queries = []
    for sentence, start, end, name in found:
        while start not in moved:
            start += 1
        while end not in moved:
            end -= 1
        if 5 <= moved[end] - moved[start] + 1 <= 120:
            queries.append((sentence, moved[start], moved[end], name))
    return "\n".join(kept), queries


def plain_chunks(text):
    """How the plain reference cuts a file: at functions and methods, long runs every 60 lines; [(start, end)]."""
    lines, chunks, spans = text.split("\n"), [], []

    def emit(start, end):
        while end - start + 1 > 80:
            chunks.append((start, start + 59))
            start += 60
        if end >= start:
            chunks.append((start, end))

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FUNCTION):
                spans.append((first_line(child), child.end_lineno))
            elif hasattr(child, "body"):
                visit(child)

    try:
        visit(ast.parse(text))
    except SyntaxError:
        spans = []
    at = 1
    for start, end in sorted(spans):
        if start < at:
            continue
        emit(at, start - 1)
        emit(start, end)
        at = end + 1
    emit(at, len(lines))
    return [(s, e) for s, e in chunks if any(line.strip() for line in lines[s - 1 : e])]


def build(out):
    """Write the set to `out`; returns the numbers of queries, files and lines."""
    queries, chunks, num_files, num_lines = [], [], 0, 0
    for spec, sha256 in PACKAGES.items():
        with tempfile.TemporaryDirectory() as scratch:
            tree = download(spec, sha256, pathlib.Path(scratch))
            for file in sorted(tree.rglob("*.py")):
                path = file.relative_to(tree).as_posix()
                if NOT_INDEXED.search(path) or ".dist-info" in path:
                    continue
                try:
                    text, found = strip_docstrings(file.read_text("utf8"))
                except (SyntaxError, UnicodeDecodeError):
                    continue
                target = out / "repo" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text.encode("utf8"))
                num_files += 1
                num_lines += len(text.splitlines())
                queries += [dict(query=q, path=path, start=s, end=e, name=n) for q, s, e, n in found]
                chunks += [dict(path=path, start=s, end=e) for s, e in plain_chunks(text)]
    # A sentence that documents several functions has no single answer.
    times = {}
    for query in queries:
        times[query["query"]] = times.get(query["query"], 0) + 1
    queries = [query for query in queries if times[query["query"]] == 1]
    chunks.sort(key=lambda c: (c["path"].split("/"), c["start"]))
    for name, rows in (("queries.jsonl", queries), ("chunks.jsonl", chunks)):
        (out / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(queries), num_files, num_lines


def main():
    cache = pathlib.Path(os.environ.get("ALCOVE_CACHE") or pathlib.Path.home() / ".cache" / "alcove")
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else cache / "evaluation-set"
    stamp = out / "complete.json"
    want = {"version": VERSION, "packages": PACKAGES}
    if stamp.exists() and json.loads(stamp.read_text()).get("made_from") == want:
        print(f"{out}: complete")
        return
    if out.exists() and any(out.iterdir()) and not (out / "queries.jsonl").exists():
        sys.exit(f"{out} holds something else. Name an empty folder, or remove it.")
    # Built beside and moved in at the end, so that an interrupted run leaves no half of a set.
    fresh = out.with_name(out.name + ".partial")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "repo").mkdir(parents=True)
    num_queries, num_files, num_lines = build(fresh)
    figures = {"queries": num_queries, "files": num_files, "lines": num_lines}
    (fresh / stamp.name).write_text(json.dumps({"made_from": want, **figures}, indent=1))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    print(f"{out}: {num_queries} queries, {num_files} files, {num_lines} lines")


if __name__ == "__main__":
    main()
