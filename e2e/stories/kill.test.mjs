// Workers die at random points; every call settles, nothing saved is lost, indexing goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, serve, untilStatus } from "../lib/alcove.mjs";
import { crates } from "../lib/project.mjs";

const KILLS = Number(process.env.ALCOVE_KILLS ?? 10);
let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await openApp(page, server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test(`the engine worker is killed at ${KILLS} random points of indexing and every open call settles`, async () => {
  const files = crates("store", "text", "stdx", "protocol");
  await openFiles(page, files);
  for (let kill = 0; kill < KILLS; kill++) {
    const path = `kept/${kill}.txt`;
    await page.evaluate(([path, text]) => alcove.write(path, text), [path, `content ${kill}`]);
    await page.waitForTimeout(Math.random() * 400);
    const settled = await page.evaluate(async () => {
      alcove.debug.killEngine();
      const began = performance.now();
      const calls = [alcove.search("generation", { k: 3 }), alcove.status(), alcove.read("kept/0.txt")];
      const outcomes = await Promise.allSettled(calls);
      return { ms: performance.now() - began, outcomes: outcomes.map((o) => o.status) };
    });
    assert.ok(settled.ms < 10_000, `calls settled after ${Math.round(settled.ms)} ms`);
    for (let kept = 0; kept <= kill; kept++) {
      const text = await page.evaluate((path) => alcove.read(path), `kept/${kept}.txt`);
      assert.equal(text, `content ${kept}`);
    }
  }
  await untilStatus(page, (s) => s.layers.symbols.done === s.layers.symbols.total && s.numFiles >= 20, 60_000);
});

test("the model worker is killed in the middle of a batch and embedding goes on", async () => {
  await openFiles(page, crates("index"));
  await untilStatus(page, (s) => s.layers.vectors.done < s.layers.vectors.total, 60_000);
  await page.evaluate(() => alcove.debug.killModel());
  await untilStatus(page, (s) => s.layers.vectors.total > 0 && s.layers.vectors.done === s.layers.vectors.total, 180_000);
});
