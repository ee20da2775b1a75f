// Starts the server and a real Chromium for the stories, and says what a page did.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const top = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const artifacts = join(top, "e2e", "artifacts");
mkdirSync(artifacts, { recursive: true });

/** The browser: what ALCOVE_CHROMIUM names, by path or by name, or the first of these on the PATH (.ci/setup looks the same way). */
export const executablePath = [process.env.ALCOVE_CHROMIUM, "chromium", "chromium-browser", "google-chrome"]
  .filter(Boolean)
  .flatMap((name) => (name.includes("/") ? [name] : process.env.PATH.split(delimiter).map((folder) => join(folder, name))))
  .find((path) => existsSync(path));

/** Flags that keep a headless browser quiet and give it WebGPU as a software adapter, which counts as "no GPU". */
export const flags = [
  "--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
  "--ignore-gpu-blocklist",
];

async function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Start the server on a free port, or use the one that ALCOVE_URL names. */
export async function serve() {
  if (process.env.ALCOVE_URL) return { url: process.env.ALCOVE_URL, stop: async () => {} };
  const binary = process.env.ALCOVE_SERVER;
  if (!binary) throw new Error("ALCOVE_SERVER must name the built server (make test does), or ALCOVE_URL a running one.");
  const port = await freePort();
  const dist = process.env.ALCOVE_DIST ?? join(top, "dist");
  const child = spawn(binary, ["--listen", `127.0.0.1:${port}`, "--dist", dist], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (data) => (said += data));
  child.stderr.on("data", (data) => (said += data));
  const url = `http://127.0.0.1:${port}`;
  const until = Date.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${said}`);
    const answer = await fetch(`${url}/healthz`).catch(() => null);
    if (answer?.ok) break;
    if (Date.now() > until) throw new Error(`the server did not answer within 20 s: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, stop: async () => void child.kill("SIGTERM") };
}

/**
 * A browser with a fresh profile that keeps its storage between pages.
 * Every console error, page error and CSP violation of its pages is collected in `trouble`.
 */
export async function openBrowser(options = {}) {
  if (!executablePath) throw new Error("No Chromium found; set ALCOVE_CHROMIUM to its path.");
  const profile = options.profile ?? mkdtempSync(join(tmpdir(), "alcove-e2e-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: flags,
    ignoreDefaultArgs: ["--headless"],
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    ...options.context,
  });
  const trouble = [];
  const watch = (page) => {
    page.on("pageerror", (err) => trouble.push(`page error: ${err.message} ${(err.stack ?? "").split("\n").slice(1, 4).join(" <")}`.trim()));
    page.on("console", (message) => {
      if (message.type() === "error") trouble.push(`console: ${message.text()}`);
    });
  };
  context.pages().forEach(watch);
  context.on("page", watch);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  return {
    context,
    trouble,
    profile,
    page: async () => context.pages()[0] ?? (await context.newPage()),
    close: async () => {
      await context.close();
      if (!options.profile) rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Open the app and wait until its automation surface is there. */
export async function openApp(page, url) {
  await page.goto(url);
  await page.waitForFunction(() => globalThis.alcove !== undefined, null, { timeout: 30_000 });
}

/** Give files to the workspace through `alcove.open`. @param {Record<string, string | Uint8Array>} files */
export async function openFiles(page, files) {
  const list = Object.entries(files).map(([path, content]) => ({
    path,
    bytes: [...(typeof content === "string" ? new TextEncoder().encode(content) : content)],
  }));
  return page.evaluate(
    (list) => alcove.open(list.map(({ path, bytes }) => ({ path, bytes: new Uint8Array(bytes) }))),
    list,
  );
}

/** Wait until the status of the app fulfils a condition. @param {(s: any) => boolean} condition */
export async function untilStatus(page, condition, timeout = 60_000) {
  const until = Date.now() + timeout;
  for (;;) {
    // Between two tabs, reloads and restarts there may be no page or no workspace for a moment.
    const status = await page.evaluate(() => globalThis.alcove?.status()).catch(() => undefined);
    if (status && condition(status)) return status;
    if (Date.now() > until) throw new Error(`not so within ${timeout} ms: ${condition}; last: ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Wait until a question to the page is answered with yes. Playwright's `waitForFunction` takes the promise of an
 * asynchronous function itself for a yes, and so never waits.
 * @param {(argument: any) => Promise<boolean>} question
 */
export async function eventually(page, question, argument = undefined, { timeout = 30_000 } = {}) {
  const until = Date.now() + timeout;
  for (;;) {
    // Between two tabs, reloads and restarts there may be no page or no workspace for a moment, and an answer may never come.
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, until - Date.now(), "no answer")));
    const answer = await Promise.race([page.evaluate(question, argument).catch((error) => error), late]);
    clearTimeout(timer);
    if (answer === true) return;
    if (Date.now() > until) throw new Error(`not so within ${timeout} ms: ${question}; last: ${answer}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A picture for people to look at. */
export async function picture(page, name) {
  await page.screenshot({ path: join(artifacts, `${name}.png`) });
}
