// Runs every benchmark and writes docs/benchmarks.json and docs/benchmarks.md: `node e2e/bench/run.mjs [part …]`.
// Parts: sizes, search, grounding, hnsw, app, embed, and about language models logits, native, filter, generate, completions, gpu, which
// `language` runs all; humaneval runs only when it is named. Rows of parts that are not run are kept from the last file;
// `PART=FILE` takes the rows that a part wrote earlier instead of running it again.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { top } from "../lib/alcove.mjs";

const cache = process.env.ALCOVE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "alcove");
const dist = process.env.ALCOVE_DIST ?? join(top, "dist");
const scratch = mkdtempSync(join(tmpdir(), "alcove-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const given = process.argv.slice(2).filter((word) => word.includes("=")).map((word) => word.split("="));
const wanted = process.argv.slice(2);
const runs = (part) => wanted.length === 0 || wanted.includes(part);
const sh = (command, args, env = {}) =>
  execFileSync(command, args, { cwd: top, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...env } });
const read = (file) => JSON.parse(readFileSync(file, "utf8"));

/** Rows by the part that made them. @type {Record<string, object[]>} */
const parts = {};

for (const [part, file] of given) parts[part] = read(file);
const earlier = new Set(given.map(([part]) => part));

/** Sum of the brotli files below dist/ whose path fits, in thousands of bytes. */
function brotliKb(fits) {
  let bytes = 0;
  for (const entry of readdirSync(dist, { recursive: true })) {
    const path = String(entry);
    if (path.endsWith(".br") && fits(path.slice(0, -3))) bytes += statSync(join(dist, path)).size;
  }
  return bytes / 1000;
}

/** The widest SIMD that the processor names, where the system tells: rented processors share a name and differ in these,
 * and an int8 dot product of relaxed SIMD takes fewer instructions where there is VNNI. */
function instructions() {
  if (!existsSync("/proc/cpuinfo")) return "";
  const flags = readFileSync("/proc/cpuinfo", "utf8").match(/^(?:flags|Features)\s*:(.*)$/m)?.[1].split(" ") ?? [];
  const named = ["avx512_vnni", "avx_vnni", "avx512f", "avx2"].filter((flag) => flags.includes(flag));
  return named.length > 0 ? ` (${named.join(", ")}${named.some((flag) => flag.includes("vnni")) ? "" : ", no VNNI"})` : "";
}

/** Write what was measured so far, so that a part that fails does not take the others with it. */
function write() {
  const file = join(top, "docs", "benchmarks.json");
  const old = existsSync(file) ? read(file) : { parts: {} };
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: top, encoding: "utf8" }).trim();
  const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown processor"}${instructions()}`;
  const stamp = { machine, date: new Date().toISOString().slice(0, 10), commit };
  const merged = { ...old.parts };
  for (const [part, rows] of Object.entries(parts)) {
    merged[part] = { ...stamp, ...(earlier.has(part) ? { commit: `before ${commit}` } : {}), rows };
  }
  mkdirSync(join(top, "docs"), { recursive: true });
  // Each row says by itself when and of what it was measured.
  const rows = Object.entries(merged).flatMap(([part, { commit, date, rows }]) => rows.map((row) => ({ ...row, part, commit, date })));
  writeFileSync(file, `${JSON.stringify({ ...stamp, rows, parts: merged }, null, 1)}\n`);

  let page = "# Benchmarks\n\nWritten by `make bench`; do not edit. Machines are shared and noisy: read ratios before times.\n";
  for (const [part, { machine, date, commit, rows }] of Object.entries(merged)) {
    page += `\n## ${part}\n\n${date}, commit ${commit}, ${machine}.\n\n| id | case | value | target | samples |\n|---|---|---:|---|---:|\n`;
    for (const row of rows) page += `| \`${row.id}\` | ${row.case} | ${row.value} ${row.unit} | ${row.target ?? ""} | ${row.samples ?? ""} |\n`;
  }
  writeFileSync(join(top, "docs", "benchmarks.md"), page);
  return page;
}

if (runs("sizes")) {
  const size = (name, target, fits) => ({
    id: "size_brotli_kb", case: name, value: Number(brotliKb(fits).toFixed(1)), unit: "kB", target, samples: 1,
  });
  const worker = (module) => (path) => path === `workers/${module}.js` || path === `workers/${module}_bg.wasm`;
  parts.sizes = [
    size("page (wasm, js, css)", "≤ 400", (path) => path.startsWith("assets/") && !path.includes("monaco") && !/editor-worker|assets\/(chat|part)-/.test(path)),
    size("parts of the page that are fetched once it is on show (dialogs, scripts) or asked for (chat)", undefined, (path) => path.startsWith("assets/part-")),
    size("chat panel (fetched when it is first shown)", "≤ 60", (path) => path.startsWith("assets/chat-")),
    size("engine worker", "≤ 1600", worker("engine")),
    size("parsers' tables, all nineteen languages (each is fetched when it is met)", undefined, (path) => path.startsWith("workers/grammars/")),
    size("model worker, CPU", "≤ 3000", worker("model_cpu")),
    size("model worker, CPU with relaxed SIMD", "≤ 3000", worker("model_relaxed")),
    size("model worker, WebGPU", "≤ 3000", worker("model_gpu")),
    size("editor (Monaco)", "≤ 1200", (path) => path.startsWith("assets/") && (path.includes("monaco") || /editor-worker/.test(path))),
  ];
}

const set = process.env.ALCOVE_EVALUATION_SET ?? join(cache, "evaluation-set");
if (runs("search") || runs("grounding") || runs("hnsw") || runs("app")) sh("python3", ["e2e/eval/make.py", set]);

/** Run a program of crate `bench` on the evaluation set. Vectors that it makes stay in the cache for the next run. */
function onSet(program, ...args) {
  const target = join(cache, "target", "native");
  sh("cargo", ["build", "--quiet", "--release", "-p", "bench", "--bin", program], { CARGO_TARGET_DIR: target });
  const models = process.env.ALCOVE_MODELS_DIR ?? join(cache, "models", "minilm");
  const int8 = join(cache, "models", "minilm-int8", "model.int8.bin");
  const vectors = join(cache, "bench", "vectors");
  sh("nice", ["-n", "5", join(target, "release", program), set, "--model", models, "--int8", int8, "--cache", vectors, ...args]);
}

if (runs("search")) {
  const out = join(scratch, "search.json");
  onSet("eval", "--json", out);
  parts.search = read(out);
  write();
}

if (runs("grounding")) {
  const out = join(scratch, "grounding.json");
  onSet("ground", "--most-chunks", "3000", "--json", out);
  parts.grounding = read(out);
  write();
}

if (runs("hnsw")) {
  const [data, out] = [join(scratch, "neighbours.bin"), join(scratch, "hnsw.json")];
  onSet("neighbours", "--out", data);
  const [triple, profile] = ["wasm32-unknown-unknown", "wasm-engine"];
  const target = join(cache, "target", "worker");
  sh("cargo", ["build", "--quiet", "-p", "index", "--example", "nearest", "--target", triple, "--profile", profile], {
    CARGO_TARGET_DIR: target,
  });
  const [built, module] = [join(target, triple, profile, "examples", "nearest.wasm"), join(scratch, "nearest")];
  sh("bind-wasm", [built, module, "nearest"]);
  sh("node", ["e2e/bench/nearest.mjs", "--module", module, "--data", data, "--json", out]);
  parts.hnsw = read(out);
  write();
}

if (runs("app")) {
  const out = join(scratch, "app.json");
  sh("node", ["e2e/bench/app.mjs", "--set", set, "--json", out]);
  parts.app = read(out);
  write();
}

if (runs("embed")) {
  const out = join(scratch, "embed.json");
  sh("bash", [".ci/bench-embed", out]);
  parts.embed = read(out);
  write();
}

const language = ["logits", "native", "filter", "generate", "completions", "gpu"];
for (const piece of [...language, "humaneval"]) {
  const isNamed = wanted.includes(piece) || (language.includes(piece) && (runs("language") || runs(piece)));
  if (!isNamed) continue;
  const out = join(scratch, `${piece}.json`);
  sh("bash", [".ci/bench-language", piece, out]);
  const rows = read(out);
  // Without the model or the peer there is nothing new to say.
  if (rows.length === 0) console.log(`${piece}: nothing was measured, what is known of it stays.`);
  else parts[piece] = rows;
  write();
}

console.log(write());
