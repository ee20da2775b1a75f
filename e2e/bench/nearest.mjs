// The engine's vector search over 50,000 vectors in a worker of a real Chromium: how much of the exact answer it finds,
// and how long it takes.
//
// usage: node nearest.mjs --module DIR --data FILE [--json FILE]
//   --module  example `nearest` of crate index, built like the engine worker, and what wasm-bindgen makes of it
//   --data    what the program `neighbours` of crate bench wrote
import { createReadStream, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { executablePath } from "../lib/alcove.mjs";

const { values: options } = parseArgs({
  options: { module: { type: "string" }, data: { type: "string" }, json: { type: "string" } },
});
for (const name of ["module", "data"]) {
  if (!options[name]) {
    console.error(`--${name} is missing; the head of this file says what it is.`);
    process.exit(2);
  }
}

// Runs in the worker, and tells what it found message by message.
async function measure() {
  const { default: load } = await import("/module/nearest.js");
  const wasm = await load({ module_or_path: "/module/nearest_bg.wasm" });
  const data = await (await fetch("/data")).arrayBuffer();
  const [dim, numVectors, numReal, numQuestions, k] = new Uint32Array(data, 0, 5);
  const vectors = new Float32Array(data, 20, numVectors * dim);
  const questions = new Float32Array(data, 20 + 4 * vectors.length, numQuestions * dim);
  const wanted = new Uint32Array(data, 20 + 4 * (vectors.length + questions.length), numQuestions * k);
  const give = (floats) => {
    const at = wasm.take_floats(floats.length);
    new Float32Array(wasm.memory.buffer, at, floats.length).set(floats);
    return at;
  };
  const fill = () => {
    wasm.begin(dim);
    for (let first = 0; first < numVectors; first += 1000) {
      const rows = vectors.subarray(first * dim, Math.min(first + 1000, numVectors) * dim);
      const there = wasm.put(give(rows), rows.length / dim);
      if (there !== first + rows.length / dim) throw new Error(`only ${there} vectors were taken`);
    }
  };
  const ask = (number) => {
    const at = wasm.search(give(questions.subarray(number * dim, (number + 1) * dim)), k);
    if (at === 0) throw new Error("there is no index");
    return [...new Uint32Array(wasm.memory.buffer, at, k)];
  };
  const search = (name, more = {}) => {
    // The first hundred let the browser finish its compilation.
    for (let number = 0; number < 100; number++) ask(number);
    let right = 0;
    const rounds = Array.from({ length: 3 }, (_, round) =>
      Array.from({ length: numQuestions }, (_, number) => {
        const began = performance.now();
        const found = ask(number);
        const ms = performance.now() - began;
        const exact = new Set(wanted.subarray(number * k, (number + 1) * k));
        if (round === 0) right += found.filter((answer) => exact.has(answer)).length;
        return ms;
      }),
    );
    // Each question is asked in three rounds and counts with its middle time: what the machine did meanwhile for others
    // hits a question once, what makes the question slow hits it always.
    const middle = (times) => times.sort((a, b) => a - b)[1];
    const times = rounds[0].map((_, number) => middle(rounds.map((round) => round[number]))).sort((a, b) => a - b);
    const at = (share) => times[Math.floor(share * times.length)];
    const recall = right / (k * numQuestions);
    if (recall < 0.9) throw new Error(`the ${name} finds only ${recall} of the true neighbours, so it computes wrongly`);
    postMessage({ name, recall, p50: at(0.5), p95: at(0.95), samples: numQuestions, numReal, numVectors, ...more });
  };
  fill();
  search("scan");
  const began = performance.now();
  const left = wasm.build_segment(numVectors);
  if (left !== 0) throw new Error(`${left} vectors are not in the graph`);
  search("graph", { buildMs: performance.now() - began });
  postMessage({ name: "end", bytes: wasm.memory.buffer.byteLength });
}

const worker = `(${measure})().catch((err) => postMessage({ name: "error", message: String(err) }));`;
const page = `<!doctype html><title>nearest</title>`;
// Isolated, as the app is: only then are the browser's clocks fine enough for single searches.
const headers = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};
const texts = { "/": ["text/html", page], "/worker.js": ["text/javascript", worker] };
const files = {
  "/module/nearest.js": ["text/javascript", join(options.module, "nearest.js")],
  "/module/nearest_bg.wasm": ["application/wasm", join(options.module, "nearest_bg.wasm")],
  "/data": ["application/octet-stream", options.data],
};
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (texts[pathname]) {
    const [type, text] = texts[pathname];
    response.writeHead(200, { ...headers, "content-type": type }).end(text);
  } else if (files[pathname]) {
    const [type, file] = files[pathname];
    response.writeHead(200, { ...headers, "content-type": type, "content-length": statSync(file).size });
    createReadStream(file).pipe(response);
  } else {
    response.writeHead(404).end();
  }
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const rows = [];
const row = (name, value, unit, target, samples) => {
  rows.push({ id: "hnsw_recall", case: name, value: Number(value.toPrecision(4)), unit, target, samples });
  console.log(`hnsw_recall ${name.padEnd(72)} ${value.toPrecision(4).padStart(8)} ${unit.padEnd(2)} ${target}`);
};
try {
  const tab = await browser.newPage();
  const told = [];
  let settle;
  const ended = new Promise((resolve, reject) => (settle = { resolve, reject }));
  await tab.exposeFunction("tell", (message) => {
    if (message.name === "error") settle.reject(new Error(message.message));
    else if (message.name === "end") settle.resolve(message);
    else {
      told.push(message);
      console.log(`${message.name}: done`);
    }
  });
  tab.on("crash", () => settle.reject(new Error("the page crashed")));
  await tab.goto(`http://127.0.0.1:${server.address().port}`);
  await tab.evaluate(() => {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => globalThis.tell(data);
    worker.onerror = (event) => globalThis.tell({ name: "error", message: event.message });
  });
  await ended;
  const { numReal, numVectors } = told[0];
  console.log(`${numVectors} vectors, ${numReal} of them real`);
  const titles = {
    scan: "exact int8 scan, the product's default",
    graph: "HNSW, one segment",
  };
  const of = `${numReal} MiniLM vectors + noisy copies to ${numVectors}`;
  for (const { name, recall, p50, p95, samples, buildMs } of told) {
    row(`${titles[name]}: recall@10, ${of}`, recall, "", "≥ 0.98", samples);
    row(`${titles[name]}: a query (middle of 3), p50`, p50, "ms", "", samples);
    row(`${titles[name]}: a query (middle of 3), p95`, p95, "ms", "≤ 5", samples);
    if (buildMs !== undefined) row(`${titles[name]}: building it`, buildMs / 1000, "s", "", 1);
  }
  if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`);
} finally {
  await browser.close();
  server.close();
}
