// A language model on WebGPU: the same text as on the processor, the GPU taken away in the middle of a text, and the
// processor after two losses. WebGPU is a software adapter here, which is used only because the settings insist, and the
// model is a tiny one with random weights for the same reason.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, serve } from "../lib/alcove.mjs";
import { noWebGpu } from "../lib/model.mjs";

const FILE = new URL("../../worker/crates/models/tests/llm/llama_plain.gguf", import.meta.url);
let browser, id, page, server, why;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await page.goto(server.url);
  why = await noWebGpu(page);
  if (why) console.log(`Language models on WebGPU were NOT tested: ${why}.`);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Open the page with this device in its settings. Gives the modules of its workers as they start. */
async function openWith(device) {
  const modules = [];
  page.removeAllListeners("worker");
  page.on("worker", (worker) => {
    const module = new URL(worker.url()).searchParams.get("module");
    if (module?.startsWith("model")) modules.push(module);
  });
  await page.evaluate((device) => localStorage.setItem("alcove.settings", JSON.stringify({ device, embedding: false })), device);
  await openApp(page, server.url);
  return modules;
}

const write = (options) =>
  page.evaluate(async (options) => {
    let text = "";
    for await (const piece of alcove.generate(options)) text += piece.text;
    return text;
  }, options);

/** The model writes what it should on this device, once the worker that lost its own has been replaced. */
const writesOn = (device) =>
  eventually(
    page,
    async ({ id, device, greedy, expected }) => {
      const info = await alcove.load(id);
      let text = "";
      for await (const piece of alcove.generate(greedy)) text += piece.text;
      return (info.device === device && text === expected) || JSON.stringify([info, text]);
    },
    { id, device, greedy, expected: expected[0] },
    { timeout: 60_000 },
  );

const drawn = { prompt: "abc", maxTokens: 24, sampling: { temperature: 20, topK: 0, topP: 1, minP: 0, seed: 3 } };
const greedy = { prompt: "abc", maxTokens: 24 };
let expected;

test("the processor writes what the GPU is held against", async () => {
  await openWith("cpu");
  const bytes = readFileSync(FILE).toString("base64");
  const file = await page.evaluate((bytes) => {
    const data = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
    return alcove.importModel(new File([data], "tiny.gguf"));
  }, bytes);
  id = file.id;
  const info = await page.evaluate((id) => alcove.load(id), id);
  assert.equal(info.device, "cpu");
  expected = [await write(greedy), await write(drawn)];
  assert.ok(expected[0].length > 0 && expected[0] !== expected[1], JSON.stringify(expected));
});

test("on WebGPU the model writes the same, greedily and with a seed", async (t) => {
  if (why) return t.skip(why);
  const modules = await openWith("gpu");
  const info = await page.evaluate((id) => alcove.load(id), id);
  t.diagnostic(JSON.stringify(info));
  assert.equal(info.device, "webgpu");
  assert.match(info.reason, /GPU/);
  assert.ok(modules.includes("model_gpu"), `${modules}`);
  assert.deepEqual([await write(greedy), await write(drawn)], expected);
});

test("the GPU goes in the middle of a text: the call settles, and another worker writes on the GPU", async (t) => {
  if (why) return t.skip(why);
  const code = await page.evaluate(async () => {
    try {
      for await (const piece of alcove.generate({ prompt: "abc", maxTokens: 100 })) {
        void piece;
        await alcove.debug.destroyGeneratorGpu().catch(() => {});
      }
      return "complete";
    } catch (err) {
      return err.code;
    }
  });
  assert.equal(code, "ModelGone");
  await writesOn("webgpu");
});

test("after a second loss the processor writes", async (t) => {
  if (why) return t.skip(why);
  await page.evaluate(() => alcove.debug.destroyGeneratorGpu());
  // The loss is noticed by the next text.
  await write(greedy).catch(() => {});
  await writesOn("cpu");
  const code = await page.evaluate(() => alcove.debug.destroyGeneratorGpu().then(() => "destroyed", (err) => err.code));
  assert.equal(code, "Unsupported");
});

test("nothing but the losses was logged as an error", () => {
  assert.deepEqual(browser.trouble.filter((line) => !/lost|unreachable|destroyed/i.test(line)), []);
});
