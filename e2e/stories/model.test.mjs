// The model workers as they are served, against what another implementation computes in float32 (e2e/golden).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, serve } from "../lib/alcove.mjs";
import { MAX_ABS_ERR } from "../lib/compare.mjs";
import { noWebGpu, openWithModel, worst } from "../lib/model.mjs";

let browser, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

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
