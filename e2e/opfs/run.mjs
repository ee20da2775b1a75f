// Runs the checks of worker/crates/web/examples/opfs.rs in dedicated workers of real Chromium:
// `node e2e/opfs/run.mjs MODULE_FOLDER`, where MODULE_FOLDER holds opfs.js and opfs_bg.wasm (bind-wasm).
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { executablePath, flags } from "../lib/alcove.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const module = process.argv[2];
if (!module) throw new Error("usage: node e2e/opfs/run.mjs MODULE_FOLDER");
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>opfs</title>");
  const file = pathname.startsWith("/module/") ? join(module, basename(pathname)) : join(here, basename(pathname));
  try {
    const type = file.endsWith(".wasm") ? "application/wasm" : "text/javascript";
    const bytes = readFileSync(file);
    response.writeHead(200, { "content-type": type }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const profile = mkdtempSync(join(tmpdir(), "opfs-"));
const context = await chromium.launchPersistentContext(profile, { executablePath, args: flags, headless: true });
const page = await context.newPage();
await page.goto(url);

let passed = 0;
let failed = 0;
async function test(name, body) {
  try {
    const said = await body();
    passed += 1;
    console.log(`ok    ${name}${said ? ` (${said})` : ""}`);
  } catch (err) {
    failed += 1;
    console.log(`FAIL  ${name}: ${err.message ?? err}`);
  }
}

/** Run one check in a fresh worker; with `killAfterMs`, end the worker then and give the last value it posted. */
const check = (name, args = [], killAfterMs = null) =>
  page.evaluate(
    ([name, args, killAfterMs]) =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/worker.js", { type: "module" });
        let last = null;
        const end = (settle, value) => (worker.terminate(), settle(value));
        worker.onmessage = ({ data }) => {
          if ("failed" in data) end(reject, new Error(data.failed));
          else if ("done" in data) end(resolve, data.done);
          else {
            // Time runs from the first commit, so that starting up does not eat it.
            if (last === null && killAfterMs !== null) setTimeout(() => end(resolve, last), killAfterMs);
            last = data.value;
          }
        };
        worker.onerror = (event) => end(reject, new Error(event.message));
        worker.postMessage({ name, args });
      }),
    [name, args, killAfterMs],
  );

await test("the OPFS disk passes the conformance suite", async () => `${(await check("conforms")).length} checks`);
await test("one writer holds a workspace, and readers get a copy of the last commit", () => check("shares"));
await test("a worker ended at 50 random moments leaves the last commit or the one under way", async () => {
  let last = 0;
  for (let round = 0; round < 50; round += 1) {
    const told = await check("write_for_ever", [last + 1, "POST"], Math.random() * 60);
    const found = await check("last_state");
    if (found < told || found > told + 1) throw new Error(`told ${told}, found ${found}`);
    last = found;
  }
  return `${last} commits`;
});
await test("copies made while a writer commits and compacts are whole states", async () => {
  const writer = check("write_for_ever", [1_000, "POST"], 8_000);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  try {
    const seen = await check("reads_along", [60]);
    return `60 copies up to state ${seen}, writer at ${await writer}`;
  } finally {
    // A copy that fails must not leave it to write beside the next test.
    await writer.catch(() => undefined);
  }
});
await test("a full disk is a typed error and nothing committed is lost", async () => {
  const devtools = await context.newCDPSession(page);
  const { usage } = await devtools.send("Storage.getUsageAndQuota", { origin: url });
  await devtools.send("Storage.overrideQuotaForOrigin", { origin: url, quotaSize: usage + 24 * 1024 * 1024 });
  return `${await check("fills_up")} MiB fitted`;
});

await context.close();
server.close();
rmSync(profile, { recursive: true, force: true });
console.log(`opfs: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
