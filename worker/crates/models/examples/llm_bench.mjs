// Runs llm_bench.wasm in Node: node llm_bench.mjs MODULE.wasm MODEL.gguf [PROMPT_TOKENS [NEW_TOKENS [RUNS]]]
// Node 20 needs --experimental-wasm-relaxed-simd for the module with relaxed SIMD.
import { openSync, readFileSync, readSync } from "node:fs";

const [module, model, numPrompt = 256, numNew = 64, runs = 3] = process.argv.slice(2);
const compiled = await WebAssembly.compile(readFileSync(module));
// What a dependency brings along and nothing here calls.
const imports = {};
for (const { module, name } of WebAssembly.Module.imports(compiled)) {
  (imports[module] ??= {})[name] = () => {
    throw new Error(`${name} was called`);
  };
}
const wasm = (await WebAssembly.instantiate(compiled, imports)).exports;
const file = openSync(model);
/** Copy bytes of the file into the module; how many there were. */
const read = (at, len) => readSync(file, place(len), 0, len, at);
/** Room in the module, whose memory may grow and move when it is asked for. */
function place(len) {
  const at = wasm.piece(len);
  return new Uint8Array(wasm.memory.buffer, at, len);
}

const start = performance.now();
let header = 1 << 16;
for (;;) {
  read(0, header);
  const need = wasm.header();
  if (need === 0) throw new Error("not a model");
  if (need === 1) break;
  header = Math.max(2 * header, need);
}
const size = 4 << 20;
for (let at = wasm.wanted(); read(at, size) > 0; at += size) {
  if (!wasm.feed()) throw new Error("not fed");
}
const vocab = wasm.finish(+numPrompt + +numNew + 1);
console.log(`loaded in ${((performance.now() - start) / 1000).toFixed(2)} s, ${wasm.memory.buffer.byteLength >> 20} MiB`);

const ids = Uint32Array.from({ length: +numPrompt }, (_, i) => (1000 + i * 7919) % (vocab - 2000));
const median = (all) => all.sort((a, b) => a - b)[all.length >> 1];
/** Seconds on the processor, so that other programs on the machine do not count. */
const seconds = () => process.cpuUsage().user / 1e6;
const prefill = [];
const decode = [];
let text = [];
for (let run = 0; run < runs; run++) {
  // Another first token each time, so that nothing is reused; the last one is that of `llm_speed`.
  ids[0] = 1000 + ((runs - 1 - run) % 7);
  place(4 * ids.length).set(new Uint8Array(ids.buffer));
  wasm.begin();
  let from = seconds();
  text = [wasm.next()];
  prefill.push(ids.length / (seconds() - from));
  from = seconds();
  for (let i = 0; i < numNew; i++) text.push(wasm.next());
  decode.push(numNew / (seconds() - from));
}
const rate = (all) => `${median(all).toFixed(1)} tokens/s`;
console.log(`prefill of ${numPrompt}: ${rate(prefill)}, decode of ${numNew}: ${rate(decode)}`);
console.log(JSON.stringify(text));
