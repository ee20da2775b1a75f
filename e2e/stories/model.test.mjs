// The model workers as they are served, against what another implementation computes in float32 (e2e/golden).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { openBrowser, serve } from "../lib/alcove.mjs";
import { largestDifference, MAX_ABS_ERR } from "../lib/compare.mjs";
import { noWebGpu, openWithModel } from "../lib/model.mjs";

const golden = JSON.parse(readFileSync(new URL("../golden/minilm.json", import.meta.url), "utf8")).map(({ text, vector }) => {
  const bytes = Buffer.from(vector, "base64");
  return { text, vector: Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i)) };
});

let browser, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Embed the golden texts in one call and say how far the worst number is off. */
async function worst(page) {
  const got = await page.evaluate(async (texts) => {
    const { model, dim, vectors } = await alcove.debug.embed(texts);
    return { model, dim, vectors: [...vectors] };
  }, golden.map(({ text }) => text));
  assert.equal(got.dim, 384);
  assert.equal(got.vectors.length, golden.length * got.dim);
  const rows = golden.map((_, i) => got.vectors.slice(i * got.dim, (i + 1) * got.dim));
  // The texts are far from each other, so that a model which ignores them cannot pass.
  assert.ok(largestDifference(rows[0], golden[1].vector) > 0.05);
  return { model: got.model, off: Math.max(...golden.map(({ vector }, i) => largestDifference(rows[i], vector))) };
}

// A workspace starts the model; nothing in this one is embedded beside what is measured.
const workspace = { "empty.txt": "" };

for (const { name, module, plain } of [
  { name: "simd128", module: "model_cpu", plain: true },
  { name: "relaxed SIMD", module: "model_relaxed", plain: false },
]) {
  test(`float32 on the processor with ${name} is within ${MAX_ABS_ERR.cpu} of the reference`, async (t) => {
    const page = await browser.context.newPage();
    // What a browser without relaxed SIMD says of the page's probe.
    if (plain) await page.addInitScript(() => (WebAssembly.validate = () => false));
    const modules = await openWithModel(page, server.url, { device: "cpu", precision: "f32", num_workers: 1 }, workspace);
    assert.deepEqual(modules, [module]);
    const { model, off } = await worst(page);
    assert.match(model, /f32$/);
    t.diagnostic(`largest difference ${off.toExponential(1)}`);
    assert.ok(off <= MAX_ABS_ERR.cpu, `off by ${off}`);
    await page.close();
  });
}

test(`float32 on WebGPU is within ${MAX_ABS_ERR.webgpu} of the reference`, async (t) => {
  const page = await browser.context.newPage();
  await page.goto(server.url);
  const why = await noWebGpu(page);
  if (why) {
    console.log(`The model on WebGPU was NOT tested: ${why}.`);
    return t.skip(why);
  }
  const modules = await openWithModel(page, server.url, { device: "gpu" }, workspace);
  assert.deepEqual(modules, ["model_gpu"]);
  const { model, off } = await worst(page);
  assert.match(model, /f32$/);
  t.diagnostic(`largest difference ${off.toExponential(1)}`);
  assert.ok(off <= MAX_ABS_ERR.webgpu, `off by ${off}`);
  await page.close();
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
