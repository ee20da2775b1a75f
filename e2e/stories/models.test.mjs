// Files of language models: downloaded, interrupted, gone on with, refused, taken in, deleted.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { between } from "../lib/between.mjs";
import { eventually, flags, openApp, openBrowser, picture, serve } from "../lib/alcove.mjs";

const DEFAULT = "smollm2-135m-instruct";
let browser, page, own, server, cdp, known, whole, etag;
before(async () => {
  own = await serve();
  server = await between(own.url);
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
  server?.stop();
  await own?.stop();
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
 * Answer for the server under `/made/`, and say what was asked.
 * @param {(request: import("node:http").IncomingMessage, count: number) => import("../lib/between.mjs").Answer} answer
 */
async function answering(name, answer, run) {
  const path = `/made/${name}`;
  server.rules.set(path, answer);
  const from = server.seen.length;
  try {
    await run(() => server.seen.slice(from).filter((one) => one.path === path));
  } finally {
    server.rules.delete(path);
  }
}

test("a download is interrupted by a reload and goes on from where it was", async (t) => {
  // The first half at once, and then nothing: a reload in the middle of the rest would be a matter of luck.
  const half = whole.subarray(0, whole.length >> 1);
  server.rules.set(known.address, () => ({ headers: { "content-length": whole.length, etag }, body: half, hang: true }));
  await page.evaluate((id) => void alcove.download(id).catch(() => {}), DEFAULT);
  await eventually(page, async (id) => (await alcove.modelFiles()).some((f) => f.id === id && f.doneBytes > 8e6), DEFAULT);
  server.rules.delete(known.address);
  await openApp(page, server.url);
  await eventually(page, async (id) => (await alcove.modelFiles()).some((f) => f.id === id && f.state === "paused"), DEFAULT);
  const { doneBytes } = await file(DEFAULT);
  assert.ok(doneBytes > 8e6 && doneBytes < known.bytes, `${doneBytes} bytes`);
  const from = server.seen.length;
  assert.equal(await outcome(DEFAULT), "whole");
  const answers = server.seen.slice(from).filter(({ path }) => path === known.address);
  assert.deepEqual(answers.map(({ status, range }) => [status, range]), [[206, `bytes=${doneBytes}-`]]);
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
  await row.getByRole("button", { name: `Keep a copy ${known.name}` }).click();
  await row.getByText("Ready").waitFor({ timeout: 120_000 });
  await page.keyboard.press("Escape");
});

test("a copy on this device is loaded on the next visit, without the server", async () => {
  await page.evaluate((id) => alcove.load(id), DEFAULT);
  const from = server.seen.length;
  await page.reload();
  await page.waitForFunction(() => globalThis.alcove !== undefined);
  await eventually(page, async (id) => (await alcove.models()).find((model) => model.id === id).state === "ready", DEFAULT, { timeout: 60_000 });
  assert.deepEqual(server.seen.slice(from).filter(({ path }) => path.endsWith(".gguf")), []);
  await page.evaluate(() => alcove.unload());
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
  await answering("page.gguf", () => ({ headers: { "content-type": "text/html" }, body: "<!doctype html>".repeat(10_000) }), async (asked) => {
    assert.match(await outcome("/made/page.gguf"), /^BadFile: .*not a GGUF file/);
    assert.equal(asked().length, 1);
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
  await answering("cut.gguf", (_, count) => (count === 1 ? { headers: { "content-length": whole.length, etag: '"1"' }, body: small, hang: true } : "broken"), async (asked) => {
    const ended = outcome("/made/cut.gguf");
    await eventually(page, async () => (await alcove.modelFiles()).some((f) => f.id === "cut" && f.doneBytes > 1 << 20));
    server.cut();
    assert.match(await ended, /^Network: .*What came is kept/);
    const part = await file("cut");
    assert.ok(part && !part.whole && part.doneBytes > 1 << 20, JSON.stringify(part));
    assert.ok(asked().slice(1).every(({ range }) => range === `bytes=${part.doneBytes}-`), JSON.stringify(asked()));
  });
  await answering("cut.gguf", () => ({ headers: { "content-length": whole.length, etag: '"2"' }, body: whole }), async () => {
    assert.equal(await outcome("/made/cut.gguf"), "whole");
  });
  assert.equal((await file("cut")).sha256, createHash("sha256").update(whole).digest("hex"));
  await page.evaluate(() => alcove.deleteModel("cut"));
});

test("a file with another checksum than the catalogue's is not kept", async () => {
  await page.evaluate((id) => alcove.deleteModel(id), DEFAULT);
  const other = Buffer.from(whole);
  other[other.length - 1] ^= 1;
  server.rules.set(known.address, () => ({ headers: { "content-length": other.length }, body: other }));
  assert.match(await outcome(DEFAULT), /^BadFile: .*checksum differs/);
  server.rules.delete(known.address);
  assert.deepEqual(await names(), []);
});

test("too little room is said before the first byte", async () => {
  const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage);
  await cdp.send("Storage.overrideQuotaForOrigin", { origin: new URL(server.url).origin, quotaSize: used + (20 << 20) });
  const from = server.seen.length;
  assert.match(await outcome(DEFAULT), /^Quota: The model needs 98.4 MB more/);
  assert.deepEqual(server.seen.slice(from).filter(({ path }) => path.endsWith(".gguf")), []);
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
