// The GPU is taken away, twice: every open call settles, the first loss brings another GPU worker, the second the
// processor, and embedding goes on. WebGPU is a software adapter here, which the planner refuses unless the settings
// insist; it takes 10 to 30 s to compile the model's shaders, and the texts are few and short for that reason.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, serve, untilStatus } from "../lib/alcove.mjs";
import { noWebGpu, openWithModel } from "../lib/model.mjs";

const SETTLED_MS = 5000;
const files = { "tea.md": "# Tea\n\nSteep the leaves for three minutes.\n", "kept.md": "# Kept\n" };
let browser, page, server, why;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await page.goto(server.url);
  why = await noWebGpu(page);
  if (why) console.log(`The loss of a GPU was NOT tested: ${why}.`);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const embedded = (s) => s.layers.vectors.total > 0 && s.layers.vectors.done === s.layers.vectors.total;

/** Destroy the device while calls are open; gives how they ended and after how many milliseconds the last one did. */
const lose = () =>
  page.evaluate(async () => {
    const texts = Array.from({ length: 2 }, (_, i) => `A text that is on the GPU when it goes, number ${i}.`);
    const open = { embed: alcove.debug.embed(texts), search: alcove.search("steep the leaves", { k: 3 }) };
    for (const call of Object.values(open)) call.catch(() => {});
    // A moment for the batch to reach the device; that it is still under way is seen by how it ends.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const began = performance.now();
    await alcove.debug.destroyGpu();
    const late = { search: alcove.search("minutes", { k: 3 }), write: alcove.write("late.md", `# Late\n\n${Math.random()}\n`) };
    const all = { ...open, lateSearch: late.search, lateWrite: late.write, status: alcove.status(), read: alcove.read("kept.md") };
    const ended = await Promise.allSettled(Object.values(all));
    const ms = performance.now() - began;
    return { ms, how: Object.fromEntries(Object.keys(all).map((name, i) => [name, ended[i].reason?.code ?? "ok"])) };
  });

async function loseAndCheck(t) {
  const { ms, how } = await lose();
  t.diagnostic(`calls settled after ${Math.round(ms)} ms`);
  assert.ok(ms <= SETTLED_MS, `${ms} ms`);
  // What was on the device is told to be gone; everything else does without.
  assert.deepEqual(how, { embed: "ModelGone", search: "ok", lateSearch: "ok", lateWrite: "ok", status: "ok", read: "ok" });
}

test("the GPU goes in the middle of a batch, and another worker takes up on it", async (t) => {
  if (why) return t.skip(why);
  const modules = await openWithModel(page, server.url, { device: "gpu" }, files);
  await untilStatus(page, embedded, 60_000);
  await loseAndCheck(t);
  await untilStatus(page, (s) => embedded(s) && s.layers.vectors.total === 3, 120_000);
  assert.deepEqual(modules, ["model_gpu", "model_gpu"]);
});

test("after the second loss the processor embeds", async (t) => {
  if (why) return t.skip(why);
  await loseAndCheck(t);
  const status = await untilStatus(page, (s) => embedded(s) && s.layers.vectors.device.startsWith("cpu"), 60_000);
  assert.match(status.model, /^ready.*processor.*The GPU is given up: its worker ended 2 times/s);
  assert.equal(await page.evaluate(() => alcove.read("kept.md")), files["kept.md"]);
  await page.evaluate(() => alcove.write("more.md", "# More\n\nCoffee is ground before it is brewed.\n"));
  await untilStatus(page, (s) => embedded(s) && s.layers.vectors.total === 4);
  const [hit] = await page.evaluate(() => alcove.search("grinding coffee beans", { k: 1, layers: ["vectors"] }));
  assert.equal(hit?.path, "more.md");
  // There is nothing left to lose.
  assert.equal(await page.evaluate(() => alcove.debug.destroyGpu().then(() => "destroyed", (err) => err.code)), "Unsupported");
});

test("nothing but the losses was logged as an error", () => {
  assert.deepEqual(browser.trouble.filter((line) => !/device was lost|poisoned/.test(line)), []);
});
