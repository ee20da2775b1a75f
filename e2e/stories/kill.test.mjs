// Workers die at random points; every call settles, nothing saved is lost, indexing goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, serve, untilStatus } from "../lib/alcove.mjs";
import { crates } from "../lib/project.mjs";

const KILLS = Number(process.env.ALCOVE_KILLS ?? 50);
const SETTLED_MS = 5000;
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

test(`the engine worker is killed at ${KILLS} random points of indexing and every open call settles`, async (t) => {
  await openFiles(page, crates("store", "text", "stdx", "protocol"));
  // All in the page: what is open when the worker dies should be what the page sent a moment ago.
  const settled = await page.evaluate(async (kills) => {
    const out = [];
    for (let kill = 0; kill < kills; kill++) {
      await alcove.write(`kept/${kill}.txt`, `content ${kill}`);
      // The engine starts indexing anew after each death; this is how far it comes, and the point that is tested.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      const before = kill > 0 && Math.random() < 0.5;
      const early = before ? [alcove.search("superblock", { k: 3 }), alcove.read("kept/0.txt")] : [];
      const began = performance.now();
      await alcove.debug.killEngine();
      const late = [alcove.search("generation", { k: 3 }), alcove.status(), alcove.read(`kept/${kill}.txt`), alcove.write("last.txt", `${kill}`)];
      const outcomes = await Promise.allSettled([...early, ...late]);
      const ms = performance.now() - began;
      const lost = [];
      for (const kept of new Set([0, kill, Math.floor(Math.random() * (kill + 1))])) {
        const text = await alcove.read(`kept/${kept}.txt`).catch((err) => String(err));
        if (text !== `content ${kept}`) lost.push(`${kept}: ${text}`);
      }
      out.push({ ms, lost, failed: outcomes.filter((o) => o.status === "rejected").map((o) => `${o.reason.code}: ${o.reason.message}`) });
    }
    return out;
  }, KILLS);
  const times = settled.map((s) => s.ms).sort((a, b) => a - b);
  t.diagnostic(`calls settled after ${Math.round(times[times.length >> 1])} ms in the middle, ${Math.round(times.at(-1))} ms at worst`);
  assert.deepEqual(settled.flatMap((s) => s.lost), []);
  assert.ok(times.at(-1) <= SETTLED_MS, `calls settled after ${times.map(Math.round)} ms`);
  // They may fail with a code, but then the supervisor gave up; it must not while the engine can be started.
  assert.deepEqual(settled.flatMap((s) => s.failed), []);
  for (let kept = 0; kept < KILLS; kept++) {
    assert.equal(await page.evaluate((path) => alcove.read(path), `kept/${kept}.txt`), `content ${kept}`);
  }
  assert.equal(await page.evaluate(() => alcove.read("last.txt")), String(KILLS - 1));
  await untilStatus(page, (s) => s.layers.symbols.done === s.layers.symbols.total && s.numFiles >= 20 + KILLS, 60_000);
});

test("the model worker is killed in the middle of a batch and embedding goes on", async () => {
  await openFiles(page, crates("index"));
  await untilStatus(page, (s) => s.layers.vectors.done < s.layers.vectors.total, 60_000);
  const ms = await page.evaluate(async () => {
    const open = alcove.search("nearest neighbours", { k: 3 });
    const began = performance.now();
    await alcove.debug.killModel();
    await Promise.allSettled([open, alcove.search("tombstone", { k: 3 })]);
    return performance.now() - began;
  });
  assert.ok(ms <= SETTLED_MS, `searches settled after ${Math.round(ms)} ms`);
  await untilStatus(page, (s) => s.layers.vectors.total > 0 && s.layers.vectors.done === s.layers.vectors.total, 180_000);
});

test("an engine worker that hangs is replaced, and what was asked of it is answered", async () => {
  await page.evaluate(() => alcove.write("before.txt", "kept"));
  const engine = page.workers().find((worker) => worker.url().includes("module=engine"));
  await page.evaluate(() => (globalThis.hangs = new Promise((resolve) => (new BroadcastChannel("hang").onmessage = resolve))) && undefined);
  engine.evaluate(() => { new BroadcastChannel("hang").postMessage("now"); for (;;); }).catch(() => {});
  await page.evaluate(() => hangs.then(() => undefined));
  const began = Date.now();
  assert.equal(await page.evaluate(() => alcove.read("before.txt")), "kept");
  // No earlier: a worker that is only slow must not be taken for one that hangs.
  const ms = Date.now() - began;
  assert.ok(ms > 5000 && ms < 30_000, `${ms} ms`);
  assert.ok(page.workers().some((worker) => worker !== engine && worker.url().includes("module=engine")));
});

test("a script that asks for what harms gets an answer all the same: nothing stays open", async () => {
  const code = await page.evaluate(() => {
    const open = alcove.search("anything", { k: 1 });
    return alcove.debug.killEngine().then(() => Promise.allSettled([open, alcove.read("no/such/file")])).then((all) => all[1].reason?.code);
  });
  assert.equal(code, "NotFound");
});
