// What the stories and the benchmark of the model share: a tab whose model runs where they want it, and how far it is off.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { openApp, untilStatus } from "./alcove.mjs";
import { largestDifference } from "./compare.mjs";

/** Texts and their vectors as another implementation computes them in float32. */
const golden = JSON.parse(readFileSync(new URL("../golden/minilm.json", import.meta.url), "utf8")).map(({ text, vector }) => {
  const bytes = Buffer.from(vector, "base64");
  return { text, vector: Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i)) };
});

/** Embed the golden texts in one call and say how far the worst number is off. */
export async function worst(page) {
  const got = await page.evaluate(async (texts) => {
    const { model, dim, vectors } = await alcove.debug.embed(texts);
    return { model, dim, vectors: [...vectors] };
  }, golden.map(({ text }) => text));
  assert.equal(got.dim, 384);
  assert.equal(got.vectors.length, golden.length * got.dim);
  const rows = golden.map((_, i) => got.vectors.slice(i * got.dim, (i + 1) * got.dim));
  // The texts are far from each other, so that a model which ignores them cannot pass.
  assert.ok(largestDifference(rows[0], golden[1].vector) > 0.05);
  return { model: got.model, off: Math.max(...golden.map(({ vector }, i) => largestDifference(rows[i], vector))), num: golden.length };
}

/**
 * Open Alcove in a tab with these settings, with a workspace of `files`, and wait until its model is ready.
 * Gives the names of the modules that its model workers were started with.
 */
export async function openWithModel(page, url, settings, files, timeout = 120_000) {
  const modules = [];
  page.on("worker", (worker) => {
    const module = new URL(worker.url()).searchParams.get("module");
    if (module?.startsWith("model")) modules.push(module);
  });
  await page.addInitScript((json) => localStorage.setItem("alcove.settings", json), JSON.stringify(settings));
  await openApp(page, url);
  await page.evaluate((files) => alcove.open(files), Object.entries(files).map(([path, bytes]) => ({ path, bytes })));
  await untilStatus(page, (s) => s.model.startsWith("ready"), timeout);
  return modules;
}

/** Why WebGPU cannot be tried in this browser; undefined where it can. */
export const noWebGpu = (page) =>
  page.evaluate(async () => {
    const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
    if (!adapter) return navigator.gpu ? "WebGPU has no adapter here, not even a software one" : "this browser has no WebGPU";
    return adapter.features.has("timestamp-query") ? undefined : "the adapter lacks timestamp queries, without which the GPU is refused";
  });
