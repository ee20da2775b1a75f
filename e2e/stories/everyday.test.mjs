// What one meets within minutes of use: menus and buttons of the editor, the way between files, lists that change.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { inEditor, quickOpen } from "../lib/hands.mjs";

let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await openApp(page, server.url);
  const steps = (count) => Array.from({ length: count }, (_, n) => `def step_${n}():\n    return ${n}\n`).join("\n");
  const deep = `class ${"Generic".repeat(8)}Manager:\n    def whisk_eggs(self):\n        return 1\n\n    def warm_plates(self):\n        return 2\n`;
  await openFiles(page, {
    "a/deep/nest/far.py": deep,
    "kitchen/stove.py": steps(400),
    "kitchen/larder/shelf.py": steps(90),
    "kitchen/larder/tins.py": steps(60),
    "long.py": `LINES = [${'"one more word", '.repeat(20)}the_last_word, ${"9, ".repeat(30)}]\n`,
    "z.py": "def whisk_eggs():\n    return 3\n",
  });
  await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const field = () => page.getByRole("combobox", { name: "Search the workspace" });
const settled = () => page.locator("#search-results[aria-busy=false] #hit-0").waitFor();
const onLine = (line) => page.locator(".status-item", { hasText: new RegExp(`^Ln ${line}, Col`) }).waitFor({ timeout: 10_000 });

async function ask(query) {
  await page.keyboard.press("Control+Shift+f");
  await field().waitFor();
  await field().fill(query);
  await page.locator(".hit-line", { hasText: query }).first().waitFor();
  await settled();
}

test("the menu of the editor can be read", async () => {
  await quickOpen(page, "stove.py");
  await inEditor(page);
  await page.locator(".view-line", { hasText: "def step_2()" }).first().click({ button: "right" });
  const menu = page.locator(".shadow-root-host .monaco-scrollable-element").first();
  await menu.waitFor();
  await picture(page, "everyday-menu");
  // Any colour that nothing shines through.
  assert.match(await menu.evaluate((menu) => getComputedStyle(menu).backgroundColor), /^rgb\(/);
  await page.keyboard.press("Escape");
});

test("the buttons of the find widget look as the editor means them", async () => {
  await quickOpen(page, "stove.py");
  await inEditor(page);
  await page.keyboard.press("Control+f");
  const next = page.locator(".find-widget.visible .codicon-find-next-match");
  await next.waitFor();
  await picture(page, "everyday-find");
  assert.equal(await next.evaluate((button) => getComputedStyle(button).borderTopWidth), "0px");
  const { width, height } = await next.boundingBox();
  assert.ok(Math.abs(width - height) <= 2, `${width} x ${height}`);
  await page.keyboard.press("Escape");
});

test("the mark of a hit does not go over to the next file", async () => {
  // Exact: what is found by meaning alone marks nothing.
  await ask("step_399");
  await page.getByRole("radio", { name: "Exact" }).click();
  await settled();
  await field().focus();
  await page.keyboard.press("Enter");
  await inEditor(page);
  await page.locator(".alcove-hit").first().waitFor({ state: "attached" });
  await page.keyboard.press("Control+Shift+f");
  await page.getByRole("radio", { name: "Smart" }).click();
  await quickOpen(page, "shelf.py");
  await inEditor(page);
  await page.locator(".view-line", { hasText: "def step_0()" }).first().waitFor();
  assert.equal(await page.locator(".alcove-hit").count(), 0);
});

test("a choice among results stays on its hit when others come to stand above it", async () => {
  await ask("step_5");
  // Exact search finds every line, so what is in the short list is in the long one.
  await page.getByRole("radio", { name: "Exact" }).click();
  await page.getByRole("button", { name: "Filters" }).click();
  const files = page.getByLabel("Files", { exact: true }).and(page.locator("input[type=text]"));
  await page.waitForFunction(() => document.querySelectorAll(".hit-file").length === 3);
  await settled();
  // What is chosen where only the last file is shown stands further down where all are.
  const last = await page.locator(".hit-file").last().getAttribute("title");
  await files.fill(last);
  await page.waitForFunction(() => document.querySelectorAll(".hit-file").length === 1);
  await settled();
  await field().focus();
  const chosen = () => page.locator(".hit.current").evaluate((row) => row.querySelector(".hit-head .sr-only").textContent);
  for (let n = 0; n < 3; n++) await page.keyboard.press("ArrowDown");
  await page.locator("#hit-3[aria-selected=true]").waitFor();
  const before = await chosen();
  assert.ok(before.startsWith(last), before);
  // An answer in between that has no hits at all changes nothing about it.
  await files.fill("nowhere/**");
  await page.waitForFunction(() => document.querySelectorAll(".hit-file").length === 0);
  await files.fill("");
  await page.waitForFunction(() => document.querySelectorAll(".hit-file").length === 3);
  await settled();
  assert.equal(await chosen(), before);
  // And an answer does not scroll: one may be looking at other rows by now.
  const list = page.locator(".results");
  await list.evaluate((list) => (list.scrollTop = 0));
  await files.fill("**/*.py");
  await page.waitForFunction(() => document.querySelectorAll(".hit-file").length === 3);
  await settled();
  assert.equal(await list.evaluate((list) => list.scrollTop), 0);
  await files.fill("");
  await page.getByRole("button", { name: "Filters" }).click();
  await page.getByRole("radio", { name: "Smart" }).click();
});

test("the name of a method is seen whole, however long that of its class is", async () => {
  await ask("warm_plates");
  const row = page.locator(".hit-symbol", { hasText: "warm_plates" }).first();
  await picture(page, "everyday-names");
  const seen = await row.evaluate((row) => {
    const range = document.createRange();
    const walk = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    let text = walk.nextNode();
    while (text && !text.data.includes("warm_plates")) text = walk.nextNode();
    const at = text.data.indexOf("warm_plates");
    range.setStart(text, at);
    range.setEnd(text, at + "warm_plates".length);
    return range.getBoundingClientRect().right <= row.getBoundingClientRect().right;
  });
  assert.ok(seen);
});

test("of two symbols with one name the one that stands less deep comes first", async () => {
  await page.keyboard.press("Control+p");
  await page.keyboard.type("@whisk_eggs");
  const first = page.locator(".palette-row.current", { hasText: "whisk_eggs" });
  await first.waitFor();
  await page.locator(".palette-row", { hasText: "whisk_eggs" }).nth(1).waitFor();
  await picture(page, "everyday-symbols");
  assert.match(await first.textContent(), /z\.py:1/);
  await page.keyboard.press("Escape");
});

test("a symbol is found by its name behind that of its class", async () => {
  for (const typed of ["@GenericManager::whisk", "@GenericManager.whisk"]) {
    await page.keyboard.press("Control+p");
    await page.keyboard.insertText(typed);
    const first = page.locator(".palette-row.current", { hasText: "whisk_eggs" });
    await first.waitFor({ timeout: 5000 });
    assert.match(await first.innerText(), /a\/deep\/nest\/far\.py/);
    await page.keyboard.press("Escape");
  }
});

test("the keyboard stays where it was sent last", async () => {
  await page.keyboard.press("Control+p");
  await page.getByRole("combobox", { name: "Go to file, symbol or command" }).waitFor();
  // At once, so that the row is the answer to all of it: behind a letter that is not answered yet Enter would wait, and
  // the next keys would close the palette over it.
  await page.keyboard.insertText("@warm_plates");
  await page.locator(".palette-row.current", { hasText: "warm_plates" }).waitFor();
  // Without a pause: the editor, which asks first, gets it later.
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+Shift+o");
  const filter = page.getByLabel("Filter the outline");
  await page.waitForFunction(() => document.activeElement?.matches("[aria-label='Filter the outline']"));
  await page.keyboard.type("whisk_whisk_whisk_whisk", { delay: 20 });
  assert.equal(await filter.inputValue(), "whisk_whisk_whisk_whisk");
  await filter.fill("");
  // The editor went to the symbol all the same, and nothing was typed into it.
  await page.locator(".tab.selected:not(.dirty)", { hasText: "far.py" }).waitFor();
  await onLine(5);
});

test("a split begins where one is in the file", async () => {
  await quickOpen(page, "stove.py");
  await inEditor(page);
  await page.keyboard.press("Control+g");
  await page.keyboard.type("700");
  await page.keyboard.press("Enter");
  await inEditor(page);
  await onLine(700);
  await page.keyboard.press("Control+\\");
  await page.waitForFunction(() => document.activeElement?.closest("section.group")?.getAttribute("aria-label") === "Editor 2");
  await page.getByRole("region", { name: "Editor 2" }).locator(".view-line", { hasText: "def step_233()" }).waitFor();
  await onLine(700);
});

test("more tabs than fit widen nothing, and the one in use is in view", async () => {
  await page.setViewportSize({ width: 760, height: 800 });
  for (const name of ["z.py", "tins.py", "shelf.py", "far.py"]) {
    await quickOpen(page, name);
    await inEditor(page);
  }
  await picture(page, "everyday-tabs");
  const within = (selector) =>
    page.evaluate((selector) => {
      const { left, right } = document.querySelector(selector).getBoundingClientRect();
      return left >= 0 && right <= innerWidth;
    }, selector);
  await eventually(page, async () => {
    const tab = document.querySelector("section[aria-label='Editor 2'] .tab.selected").getBoundingClientRect();
    const strip = document.querySelector("section[aria-label='Editor 2'] .tabs").getBoundingClientRect();
    return tab.width > 0 && tab.left >= strip.left - 1 && tab.right <= strip.right + 1;
  }, undefined, { timeout: 5000 });
  for (const part of [".title-bar", ".status", "section[aria-label='Editor 2']"]) assert.ok(await within(part), part);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("a narrow window shows the group that one works in", async () => {
  await quickOpen(page, "shelf.py");
  await inEditor(page);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.waitForFunction(() => [...document.querySelectorAll("section.group")].filter((group) => group.offsetWidth > 0).length === 1);
  await picture(page, "everyday-narrow");
  assert.ok(await page.getByRole("region", { name: "Editor 2" }).isVisible());
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("the tree shows what was opened while it was away", async () => {
  await ask("step_8");
  await quickOpen(page, "far.py");
  await inEditor(page);
  await page.keyboard.press("Control+Shift+e");
  await page.locator("[role=treeitem]", { hasText: "far.py" }).waitFor({ timeout: 5000 });
  await picture(page, "everyday-tree");
  // What was closed on purpose stays closed.
  await page.getByRole("button", { name: "Close all folders" }).click();
  await page.keyboard.press("Control+Shift+f");
  await field().waitFor();
  await page.keyboard.press("Control+Shift+e");
  await page.locator("[role=treeitem]", { hasText: "kitchen" }).waitFor();
  assert.equal(await page.locator("[role=treeitem]", { hasText: "far.py" }).count(), 0);
});

test("Enter saves when one closes a file that was changed", async () => {
  await quickOpen(page, "z.py");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# done");
  await page.keyboard.press("Alt+w");
  const question = page.getByRole("dialog", { name: /Save your changes to z\.py/ });
  await question.waitFor();
  await page.keyboard.press("Enter");
  await question.waitFor({ state: "detached" });
  await eventually(page, async () => (await alcove.read("z.py")).endsWith("# done"));
});

test("the first hit of another question is in view, and no row lies under the name of its file", async () => {
  await ask("return");
  await page.getByRole("radio", { name: "Exact" }).click();
  await page.locator("#hit-40").waitFor();
  await page.locator(".results").evaluate((list) => (list.scrollTop = list.scrollHeight));
  await page.getByRole("radio", { name: "Word" }).click();
  const clear = (selector) =>
    eventually(page, async (selector) => {
      const row = document.querySelector(selector)?.getBoundingClientRect();
      const heads = [...document.querySelectorAll(".hit-file")].map((head) => head.getBoundingClientRect());
      const list = document.querySelector(".results").getBoundingClientRect();
      return row && row.bottom <= list.bottom && row.top >= list.top && heads.every((head) => row.top >= head.bottom - 1 || row.bottom <= head.top + 1);
    }, selector, { timeout: 5000 });
  await settled();
  await clear("#hit-0");
  await field().focus();
  for (let n = 0; n < 20; n++) await page.keyboard.press("ArrowDown");
  await page.locator("#hit-20[aria-selected=true]").waitFor();
  for (let n = 0; n < 15; n++) await page.keyboard.press("ArrowUp");
  await page.locator("#hit-5[aria-selected=true]").waitFor();
  await clear("#hit-5");
  await page.getByRole("radio", { name: "Smart" }).click();
});

test("what matches far along a line is in view", async () => {
  await page.keyboard.press("Control+Shift+f");
  await field().fill("the_last_word");
  await page.getByRole("radio", { name: "Exact" }).click();
  const mark = page.locator(".hit-line mark", { hasText: "the_last_word" });
  await mark.waitFor();
  const seen = await mark.evaluate((mark) => {
    const { left, right } = mark.getBoundingClientRect();
    const line = mark.closest("code").getBoundingClientRect();
    return left >= line.left && right <= line.right;
  });
  assert.ok(seen);
  // The engine shows a piece of so long a line; the editor selects the word in the whole of it.
  await field().focus();
  await page.keyboard.press("Enter");
  await inEditor(page);
  await page.locator(".status-item", { hasText: "Ln 1, Col 363 (13 selected)" }).waitFor({ timeout: 5000 });
  await page.getByRole("radio", { name: "Smart" }).click();
});

test("the keyboard is in the editor at once when one goes there", async () => {
  await quickOpen(page, "z.py");
  await inEditor(page);
  await ask("step_8");
  await page.keyboard.press("Control+1");
  assert.ok(await page.evaluate(() => document.activeElement.closest(".monaco-editor") !== null));
  // And it stays in what is opened there.
  await page.keyboard.press("Control+f");
  await page.locator(".find-widget.visible").waitFor();
  await page.waitForTimeout(100);
  assert.ok(await page.evaluate(() => document.activeElement.closest(".find-widget") !== null));
  await page.keyboard.press("Escape");
});

test("a reload brings back what was asked", async () => {
  await page.getByRole("radio", { name: "Word" }).click();
  await ask("step_8");
  await page.evaluate(() => (dispatchEvent(new Event("blur")), alcove.status()));
  await openApp(page, server.url);
  await field().waitFor();
  await page.locator(".hit-line", { hasText: "step_8" }).first().waitFor({ timeout: 15_000 });
  assert.equal(await field().inputValue(), "step_8");
  assert.equal(await page.getByRole("radio", { name: "Word" }).getAttribute("aria-checked"), "true");
  await page.getByRole("radio", { name: "Smart" }).click();
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
