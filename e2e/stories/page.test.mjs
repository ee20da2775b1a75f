// The page itself: policy, accessibility, themes, narrow screens, keyboard.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { crates } from "../lib/project.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser({ context: { bypassCSP: false } });
  page = await browser.page();
  await openApp(page, server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Serious and critical findings of axe, as text. */
async function findings() {
  // Evaluated by the browser's debugger, which the page's policy does not bind.
  const { readFileSync } = await import("node:fs");
  await page.evaluate(readFileSync(axe, "utf8"));
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations
    .filter((violation) => ["serious", "critical"].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

test("every answer carries the policy and the isolation headers", async () => {
  for (const path of ["/", "/workers/boot.js", "/no/such/thing"]) {
    const answer = await fetch(server.url + path);
    const policy = answer.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'; script-src 'self' 'wasm-unsafe-eval'/, path);
    assert.equal(answer.headers.get("cross-origin-embedder-policy"), "require-corp", path);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", path);
  }
});

test("the start screen passes axe and looks right", async () => {
  await picture(page, "start");
  assert.deepEqual(await findings(), []);
});

test("the workbench passes axe in every theme", async () => {
  await openFiles(page, crates("text"));
  await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
  await picture(page, "workbench");
  assert.deepEqual(await findings(), []);
  await page.emulateMedia({ colorScheme: "dark" });
  await picture(page, "workbench-dark");
  assert.deepEqual(await findings(), []);
});

test("the palette, quick open and search work from the keyboard alone", async () => {
  await page.keyboard.press("Control+p");
  await page.keyboard.type("line_index");
  await page.waitForSelector("[role=option]");
  await picture(page, "quick-open");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=tab]");
  await page.keyboard.press("Control+k");
  await page.waitForSelector("[role=dialog] [role=option], [role=listbox] [role=option]");
  await picture(page, "palette");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Shift+f");
  await page.keyboard.type("utf16");
  await page.waitForFunction(() => document.querySelectorAll("mark").length > 0);
  await picture(page, "search");
  assert.deepEqual(await findings(), []);
});

test("it can be used at a width of 320 pixels", async () => {
  await page.setViewportSize({ width: 320, height: 640 });
  await picture(page, "narrow");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(overflow <= 320, `the page is ${overflow} px wide`);
});

test("a dialog whose code cannot be fetched says so, and comes when it can be", async () => {
  const other = await openBrowser();
  const tab = await other.page();
  await other.context.route("**/assets/part-split_dialogs-*", (route) => route.abort());
  await openApp(tab, server.url);
  await tab.keyboard.press("Control+,");
  await tab.getByRole("dialog").getByRole("alert").filter({ hasText: "could not be loaded" }).waitFor();
  await picture(tab, "part-missing");
  await tab.getByRole("button", { name: "Try again" }).click();
  await tab.getByRole("dialog").getByRole("alert").waitFor();
  await other.context.unroute("**/assets/part-split_dialogs-*");
  await tab.getByRole("button", { name: "Try again" }).click();
  await tab.getByRole("dialog").getByRole("heading", { name: "Settings" }).waitFor();
  await tab.keyboard.press("Escape");
  await tab.getByRole("dialog").waitFor({ state: "detached" });
  await other.close();
});

test("the page broke no policy and logged no error", () => {
  assert.deepEqual(browser.trouble, []);
});
