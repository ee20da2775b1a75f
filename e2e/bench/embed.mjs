// Our MiniLM kernels against onnxruntime-web: same browser, same page, same run, one thread each, in turns.
//
// usage: node embed.mjs --float FILE --int8 FILE --onnx DIR --plain MODULE.wasm --relaxed MODULE.wasm [--rounds N] [--json FILE]
//   --float    model.safetensors
//   --int8     model.int8.bin
//   --onnx     folder with model.onnx and model_quantized.onnx (see minilm_onnx.py)
//   --plain    examples/embed_bench of crate models, built for simd128
//   --relaxed  the same with relaxed SIMD
// Prints medians of the ratios of each round, because the machine's speed drifts and the ratio does not, and then rows
// for docs/benchmarks.json. ALCOVE_CHROMIUM names the browser.
import { createReadStream, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { executablePath } from "../lib/alcove.mjs";
import { largestDifference, MAX_ABS_ERR } from "../lib/compare.mjs";

const { values: options } = parseArgs({
  options: {
    float: { type: "string" },
    int8: { type: "string" },
    onnx: { type: "string" },
    plain: { type: "string" },
    relaxed: { type: "string" },
    rounds: { type: "string", default: "7" },
    json: { type: "string" },
    only: { type: "string", default: "" },
  },
});
for (const name of ["float", "int8", "onnx", "plain", "relaxed"]) {
  if (!options[name]) {
    console.error(`--${name} is missing; the head of this file says what it is.`);
    process.exit(2);
  }
}

const ort = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
const routes = new Map([
  ["/ours/plain.wasm", options.plain],
  ["/ours/relaxed.wasm", options.relaxed],
  ["/ours/float", options.float],
  ["/ours/int8", options.int8],
  ["/onnx/float", join(options.onnx, "model.onnx")],
  ["/onnx/int8", join(options.onnx, "model_quantized.onnx")],
]);
const types = { ".wasm": "application/wasm", ".mjs": "text/javascript", ".js": "text/javascript" };
const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/") {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>bench</title>");
    return;
  }
  const file = routes.get(path) ?? (/^\/ort\/[\w.-]+$/.test(path) ? join(ort, path.slice(5)) : undefined);
  try {
    const { size } = statSync(file);
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-length": size });
    createReadStream(file).pipe(response);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const origin = `http://127.0.0.1:${server.address().port}`;

// Runs in the page.
async function measure({ rounds, only, differenceSource, maxAbsErr }) {
  const difference = new Function(`return ${differenceSource}`)();
  const cases = [
    { name: "8x128", num: 8, len: 128 },
    { name: "32x64", num: 32, len: 64 },
  ];
  const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
  const load_ms = {};
  const median = (xs) => [...xs].sort((a, b) => a - b)[xs.length >> 1];

  async function ours(module) {
    const compiled = await WebAssembly.compileStreaming(fetch(`/ours/${module}.wasm`));
    // The linked crates know the browser's clock; nothing measured here calls it.
    const imports = {};
    for (const { module: from, name } of WebAssembly.Module.imports(compiled)) {
      (imports[from] ??= {})[name] = () => {
        throw new Error(`${name} was called`);
      };
    }
    const instance = await WebAssembly.instantiate(compiled, imports);
    const wasm = instance.exports;
    const give = (data) => {
      const at = wasm.take_bytes(data.length);
      new Uint8Array(wasm.memory.buffer, at, data.length).set(data);
      return [at, data.length];
    };
    for (const [name, load] of [["float", wasm.load_float], ["int8", wasm.load_int8]]) {
      const file = await bytes(`/ours/${name}`);
      const start = performance.now();
      if (load(...give(file)) !== 1) throw new Error(`${name} was not loaded`);
      load_ms[`ours ${module} ${name}`] = performance.now() - start;
    }
    return (precision) => async (ids, num, len) => {
      const [at] = give(new Uint8Array(Uint32Array.from(ids).buffer));
      const out = wasm.embed(precision, at, num, len);
      if (out === 0) throw new Error("embed failed");
      return new Float32Array(wasm.memory.buffer, out, num * 384).slice();
    };
  }

  const ort = await import("/ort/ort.wasm.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/ort/";
  async function theirs(name) {
    const file = await bytes(`/onnx/${name}`);
    const start = performance.now();
    const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
    load_ms[`ort ${name}`] = performance.now() - start;
    return async (ids, num, len) => {
      const tensor = (f) => new ort.Tensor("int64", BigInt64Array.from({ length: num * len }, (_, i) => BigInt(f(i))), [num, len]);
      const feeds = { input_ids: tensor((i) => ids[i]), attention_mask: tensor(() => 1), token_type_ids: tensor(() => 0) };
      const state = (await session.run(feeds)).last_hidden_state.data;
      // Mean and unit length, as ours does inside.
      const out = new Float32Array(num * 384);
      for (let s = 0; s < num; s++) {
        let squares = 0;
        for (let c = 0; c < 384; c++) {
          let sum = 0;
          for (let t = 0; t < len; t++) sum += state[(s * len + t) * 384 + c];
          out[s * 384 + c] = sum;
          squares += sum * sum;
        }
        for (let c = 0; c < 384; c++) out[s * 384 + c] /= Math.sqrt(squares);
      }
      return out;
    };
  }

  const [plain, relaxed] = [await ours("plain"), await ours("relaxed")];
  const runners = {
    "ours plain float": plain(32),
    "ours relaxed float": relaxed(32),
    "ort float": await theirs("float"),
    "ours plain int8": plain(8),
    "ours relaxed int8": relaxed(8),
    "ort int8": await theirs("int8"),
  };
  const pairs = [
    ["embed_cpu_ratio_ort", "relaxed simd", "ours relaxed float", "ort float"],
    ["embed_cpu_ratio_ort", "simd128", "ours plain float", "ort float"],
    ["embed_int8_ratio_ort", "relaxed simd", "ours relaxed int8", "ort int8"],
    ["embed_int8_ratio_ort", "simd128", "ours plain int8", "ort int8"],
  ];
  const rows = [];
  const agreement = {};
  for (const { name, num, len } of cases) {
    if (only && only !== name) continue;
    const ids = Array.from({ length: num * len }, (_, i) => {
      const at = i % len;
      return at === 0 ? 101 : at === len - 1 ? 102 : 1000 + ((i * 7919 + (i * i) % 977) % 28000);
    });
    const speed = Object.fromEntries(Object.keys(runners).map((key) => [key, []]));
    const outputs = {};
    for (let round = -1; round < rounds; round++) {
      for (const [key, run] of Object.entries(runners)) {
        const start = performance.now();
        outputs[key] = await run(ids, num, len);
        // The first round only warms up: compilation tiers, caches.
        if (round >= 0) speed[key].push((1000 * num) / (performance.now() - start));
      }
    }
    for (const [id, build, a, b] of pairs) {
      const ratios = speed[a].map((x, i) => x / speed[b][i]);
      const value = Number(median(ratios).toFixed(2));
      const [ours, peer] = [a, b].map((key) => Number(median(speed[key]).toFixed(1)));
      rows.push({ id, case: `${build}, ${name}`, value, unit: "x", target: "≥ 1.0", samples: rounds, ours, peer });
    }
    const cosine = (a, b) => Math.min(...Array.from({ length: num }, (_, s) => {
      let dot = 0;
      for (let c = 0; c < 384; c++) dot += a[s * 384 + c] * b[s * 384 + c];
      return dot;
    }));
    const float = outputs["ort float"];
    for (const [build, key] of [["simd128", "ours plain float"], ["relaxed simd", "ours relaxed float"]]) {
      const value = Number(difference(outputs[key], float).toExponential(1));
      rows.push({ id: "embed_max_abs_err", case: `CPU float32, ${build}, ${name}`, value, unit: "", target: `≤ ${maxAbsErr}`, samples: num });
    }
    agreement[name] = {
      "float plain, max abs": difference(outputs["ours plain float"], float),
      "float relaxed, max abs": difference(outputs["ours relaxed float"], float),
      "int8 plain against relaxed, max abs": difference(outputs["ours plain int8"], outputs["ours relaxed int8"]),
      "int8 ours, least cosine to float": cosine(outputs["ours plain int8"], float),
      "int8 peer, least cosine to float": cosine(outputs["ort int8"], float),
    };
  }
  return { rows, load_ms, agreement };
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(message.text()));
  await page.goto(origin);
  const result = await page.evaluate(measure, {
    rounds: Number(options.rounds),
    only: options.only,
    differenceSource: largestDifference.toString(),
    maxAbsErr: MAX_ABS_ERR.cpu.toExponential(),
  });
  for (const row of result.rows) {
    const speeds = row.ours === undefined ? "" : ` (ours ${row.ours}, peer ${row.peer} sequences/s)`;
    console.log(`${row.id} ${row.case}: ${row.value}${speeds}`);
  }
  console.log(result.load_ms);
  console.log(result.agreement);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(result.rows, null, 1)}\n`);
} finally {
  await browser.close();
  server.close();
}
