// Files of language models: downloaded, interrupted, gone on with, refused, taken in, deleted.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { eventually, flags, openApp, openBrowser, picture, serve } from "../lib/alcove.mjs";

const DEFAULT = "smollm2-135m-instruct";
let browser, page, server, cdp, known, whole, etag;
before(async () => {
  server = await serve();
  browser = await openBrowser({ context: { args: [...flags, "--disable-features=StaticStorageQuota"] } });
  page = await browser.page();
  await openApp(page, server.url);
  cdp = await browser.context.newCDPSession(page);
  known = (await (await fetch(`${server.url}/models/catalogue.json`)).json()).find((entry) => entry.id === DEFAULT);
  const answer = await fetch(`${server.url}${known.address}`);
  etag = answer.headers.get("etag");
  whole = Buffer.from(await answer.arrayBuffer());
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const files = () => page.evaluate(() => alcove.modelFiles());
const file = async (id) => (await files()).find((file) => file.id === id);
/** What lies in the folder of models. */
const names = () =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    try {
      const folder = await (await root.getDirectoryHandle("alcove")).getDirectoryHandle("language-models");
      return (await Array.fromAsync(folder.keys())).sort();
    } catch {
      return [];
    }
  });
const outcome = (id) => page.evaluate((id) => alcove.download(id).then(() => "whole", (err) => `${err.code}: ${err.message}`), id);

/**
 * Answer for the server under `/made/`. Workers' requests pass through the context, not through the page.
 * @param {(request: import("playwright-core").Request) => { status?: number, headers?: Record<string, string>, body?: Buffer | string } | "broken"} answer
 */
async function answering(name, answer, run) {
  const asked = [];
  const url = `${server.url}/made/${name}*`;
  await browser.context.route(url, async (route) => {
    asked.push(route.request().headers());
    const what = answer(route.request(), asked.length);
    await (what === "broken" ? route.abort("connectionreset") : route.fulfill(what));
  });
  try {
    await run(asked);
  } finally {
    await browser.context.unroute(url);
  }
}

test("a download is interrupted by a reload and goes on from where it was", async (t) => {
  const url = `${server.url}${known.address}*`;
  // The first half at once, and then nothing: a reload in the middle of the rest would be a matter of luck.
  const half = whole.subarray(0, whole.length >> 1);
  await browser.context.route(url, (route) =>
    route.request().headers().range
      ? route.abort("connectionreset")
      : route.fulfill({ status: 200, headers: { "content-length": String(whole.length), etag }, body: half }),
  );
  await page.evaluate((id) => void alcove.download(id).catch(() => {}), DEFAULT);
  await eventually(page, async (id) => (await alcove.modelFiles()).some((f) => f.id === id && f.doneBytes > 8e6), DEFAULT);
  await openApp(page, server.url);
  await eventually(page, async (id) => (await alcove.modelFiles()).some((f) => f.id === id && f.state === "paused"), DEFAULT);
  await browser.context.unroute(url);
  const { doneBytes } = await file(DEFAULT);
  assert.ok(doneBytes > 8e6 && doneBytes < known.bytes, `${doneBytes} bytes`);
  const answers = [];
  const listen = (response) => response.url().includes(known.address) && answers.push([response.status(), response.request().headers().range]);
  browser.context.on("response", listen);
  assert.equal(await outcome(DEFAULT), "whole");
  browser.context.off("response", listen);
  assert.deepEqual(answers, [[206, `bytes=${doneBytes}-`]]);
  const kept = await file(DEFAULT);
  assert.deepEqual([kept.whole, kept.bytes, kept.sha256], [true, known.bytes, known.sha256]);
  t.diagnostic(`went on at ${doneBytes} of ${known.bytes}`);
  assert.deepEqual(await names(), [`${DEFAULT}.gguf`, `${DEFAULT}.json`]);
});

test("it is paused and goes on, outlives the death of its worker, is deleted and downloaded again", async () => {
  await page.evaluate((id) => alcove.deleteModel(id), DEFAULT);
  assert.deepEqual(await names(), []);
  const paused = page.evaluate((id) => alcove.download(id).then(() => "whole", (err) => err.code), DEFAULT);
  await eventually(page, async (id) => (await alcove.modelFiles()).some((f) => f.id === id), DEFAULT);
  await page.evaluate((id) => alcove.pauseDownload(id), DEFAULT);
  assert.ok(["Cancelled", "whole"].includes(await paused));
  const again = outcome(DEFAULT);
  await page.evaluate(() => alcove.debug.killKeeper());
  assert.equal(await again, "whole");
  assert.equal((await file(DEFAULT)).sha256, known.sha256);
});

test("the view shows it and deletes it after asking", async () => {
  await page.keyboard.press("F1");
  await page.keyboard.type("Models");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Models" });
  await dialog.waitFor();
  const row = dialog.getByRole("listitem").filter({ hasText: known.name });
  await row.getByText("Ready").waitFor();
  await picture(page, "models");
  await row.getByRole("button", { name: `Delete ${known.name}` }).click();
  await row.getByRole("button", { name: "Keep" }).click();
  assert.ok(await file(DEFAULT));
  await row.getByRole("button", { name: `Delete ${known.name}` }).click();
  await row.getByRole("button", { name: /^Delete for good/ }).click();
  await row.getByText("Comes with Alcove").waitFor();
  await row.getByRole("button", { name: `Download ${known.name}` }).click();
  await row.getByText("Ready").waitFor({ timeout: 120_000 });
  await page.keyboard.press("Escape");
});

test("an own file is taken in, and what is no model is not", async () => {
  const taken = await page.evaluate(async (address) => {
    const bytes = await (await fetch(address)).blob();
    return alcove.importModel(new File([bytes], "Mein Modell (1).gguf"));
  }, known.address);
  assert.deepEqual([taken.id, taken.whole, taken.bytes, taken.sha256], ["mein-modell-1", true, known.bytes, known.sha256]);
  await page.evaluate(() => alcove.deleteModel("mein-modell-1"));
  const before = await names();
  for (const [name, bytes] of [
    ["page.gguf", Buffer.from("<!doctype html><title>No</title>".repeat(1000))],
    ["short.gguf", whole.subarray(0, 1 << 20)],
    ["empty.gguf", Buffer.alloc(0)],
    ["zeros.gguf", Buffer.alloc(1 << 20)],
  ]) {
    const said = await page.evaluate(
      ([name, text]) => {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        return alcove.importModel(new File([bytes], name)).then(() => "kept", (err) => `${err.code}: ${err.message}`);
      },
      [name, bytes.toString("base64")],
    );
    assert.match(said, /^BadFile: .*\.$/, name);
    assert.deepEqual(await names(), before, name);
  }
});

test("what an address gives instead of a model leaves nothing behind", async () => {
  const before = await names();
  await answering("page.gguf", () => ({ status: 200, contentType: "text/html", body: "<!doctype html>".repeat(10_000) }), async (asked) => {
    assert.match(await outcome("/made/page.gguf"), /^BadFile: .*not a GGUF file/);
    assert.equal(asked.length, 1);
  });
  assert.match(await outcome("/models/there/is/none.gguf"), /^NotFound: There is no model at/);
  await answering("wild.gguf", () => ({ status: 403, body: "no" }), async () => {
    assert.match(await outcome("/made/wild.gguf"), /^Network: The server does not give/);
  });
  assert.match(await outcome("ftp://host/a.gguf"), /^Invalid: /);
  assert.deepEqual(await names(), before);
});

test("a file that was cut short keeps what came, and one that changed meanwhile starts over", async () => {
  const small = whole.subarray(0, 6 << 20);
  await answering("cut.gguf", (request, n) => (n === 1 ? { status: 200, headers: { "content-length": String(whole.length), etag: '"1"' }, body: small } : "broken"), async (asked) => {
    assert.match(await outcome("/made/cut.gguf"), /^Network: .*What came is kept/);
    const part = await file("cut");
    assert.ok(part && !part.whole && part.doneBytes > 1 << 20, JSON.stringify(part));
    assert.ok(asked.slice(1).every((headers) => headers.range === `bytes=${part.doneBytes}-`), JSON.stringify(asked.map((h) => h.range)));
  });
  await answering("cut.gguf", () => ({ status: 200, headers: { etag: '"2"' }, body: whole }), async () => {
    assert.equal(await outcome("/made/cut.gguf"), "whole");
  });
  assert.equal((await file("cut")).sha256, createHash("sha256").update(whole).digest("hex"));
  await page.evaluate(() => alcove.deleteModel("cut"));
});

test("a file with another checksum than the catalogue's is not kept", async () => {
  await page.evaluate((id) => alcove.deleteModel(id), DEFAULT);
  const other = Buffer.from(whole);
  other[other.length - 1] ^= 1;
  const url = `${server.url}${known.address}*`;
  await browser.context.route(url, (route) => route.fulfill({ status: 200, body: other }));
  assert.match(await outcome(DEFAULT), /^BadFile: .*checksum differs/);
  await browser.context.unroute(url);
  assert.deepEqual(await names(), []);
});

test("too little room is said before the first byte", async () => {
  const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage);
  await cdp.send("Storage.overrideQuotaForOrigin", { origin: new URL(server.url).origin, quotaSize: used + (20 << 20) });
  const asked = [];
  browser.context.on("request", (request) => request.url().includes(".gguf") && asked.push(request.url()));
  assert.match(await outcome(DEFAULT), /^Quota: The model needs 98.4 MB more/);
  assert.deepEqual(asked, []);
  await cdp.send("Storage.overrideQuotaForOrigin", { origin: new URL(server.url).origin });
  assert.deepEqual(await names(), []);
});

test("two tabs do not write the same file, and a model in use is not deleted", async () => {
  const other = await browser.context.newPage();
  await openApp(other, server.url);
  const first = outcome(DEFAULT);
  await eventually(page, async (id) => (await alcove.modelFiles()).some((f) => f.id === id), DEFAULT);
  const second = await other.evaluate((id) => alcove.download(id).then(() => "whole", (err) => err.code), DEFAULT);
  assert.equal(await first, "whole");
  assert.ok(["Conflict", "whole"].includes(second), second);
  await other.evaluate(async (id) => {
    await alcove.modelFiles();
    await alcove.load(id);
  }, DEFAULT);
  const said = await page.evaluate((id) => alcove.deleteModel(id).then(() => "deleted", (err) => `${err.code}: ${err.message}`), DEFAULT);
  assert.match(said, /^Conflict: .*in use/);
  await other.close();
  // The browser takes the lock back a moment after the tab is gone.
  await eventually(page, (id) => alcove.deleteModel(id).then(() => true), DEFAULT);
  assert.deepEqual(await names(), []);
});

test("nothing was logged as an error on the way", () => {
  // The browser itself reports answers that are failures.
  assert.deepEqual(browser.trouble.filter((line) => !/Failed to load resource/.test(line)), []);
});
