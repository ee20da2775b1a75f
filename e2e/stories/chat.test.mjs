// A person asks about their project and gets answers that lead to its lines. What does not depend on what a model
// writes is tried with a conversation that is put into the panel; the rest with the real SmolLM2.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { inEditor, quickOpen } from "../lib/hands.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MODEL = "smollm2-135m-instruct";
const STOVE = "pub struct Stove;\n\nimpl Stove {\n    /// Lights the stove, trying again after a pause.\n    pub fn light(&self) {\n        spark();\n        wait();\n    }\n\n    pub fn turn_off(&self) {\n        close_valve();\n    }\n}\n";
const FILES = {
  "kitchen/stove.rs": STOVE,
  "kitchen/pan.py": "def fry(egg):\n    \"\"\"Fries an egg until it is done.\"\"\"\n    return heat(egg, seconds=90)\n",
  "notes.md": "# Kitchen\n\nThe stove is lit by a spark; the pan fries eggs.\n",
};

let browser, page, server;
/** Addresses outside the server that were asked for. */
const foreign = [];
before(async () => {
  server = await serve();
  browser = await openBrowser({ context: { bypassCSP: false } });
  page = await browser.page();
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
  });
  await openApp(page, server.url);
  await openFiles(page, FILES);
  await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Serious and critical findings of axe, as text. */
async function findings() {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations
    .filter((violation) => ["serious", "critical"].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

const question = () => page.getByRole("textbox", { name: "Question", exact: true });
const turns = () => page.locator(".chat-turn");
const settled = (turn) => turn.and(page.locator("[aria-busy=false]")).waitFor({ timeout: 120_000 });
const cursor = (line) => page.locator(".status-item", { hasText: new RegExp(`^Ln ${line}, Col`) }).waitFor({ timeout: 10_000 });

/** Put an answer into the panel, as if a model had written it. */
async function answered(answer, more = {}) {
  await page.evaluate(
    async ({ answer, more }) => {
      const { panel } = await globalThis.alcoveChat;
      const context = { grounding: "Found", passages: [], left_out: [], messages: [], num_tokens: 0, max_tokens: 0 };
      panel.begin(false);
      panel.turns = [
        { id: "t", after: null, question: "What is this?", mentions: [], context, answer, citations: [], end: "Complete", model: { model: "nobody" }, asked_unix_ms: 0, not_kept: "", ...more },
      ];
      panel.draw();
    },
    { answer, more },
  );
  await turns().first().waitFor();
}

test("the panel opens by its keys and says what it does before there is a model", async () => {
  await quickOpen(page, "stove.rs");
  await inEditor(page);
  await page.keyboard.press("Control+Alt+i");
  await question().waitFor();
  await eventually(page, async () => document.activeElement?.matches(".chat textarea") === true);
  await page.getByText("Everything stays on this device.").waitFor();
  await picture(page, "chat-empty");
  assert.deepEqual(await findings(), []);
  await page.keyboard.press("Escape");
  await inEditor(page);
  await page.keyboard.press("Control+Alt+i");
});

test("a file and a definition are mentioned by keyboard, and taken away again", async () => {
  await question().fill("");
  await page.keyboard.type("How does @stove");
  await page.getByRole("option", { name: "kitchen/stove.rs", exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".chat-composer .chat-chip", { hasText: "kitchen/stove.rs" }).waitFor();
  assert.equal(await question().inputValue(), "How does stove.rs ");
  await page.keyboard.type("call @turn_of");
  await page.getByRole("option", { name: /turn_off/ }).waitFor();
  await picture(page, "chat-mention");
  await page.keyboard.press("Tab");
  await page.locator(".chat-composer .chat-chip", { hasText: "turn_off" }).waitFor();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Backspace");
  assert.equal(await page.locator(".chat-composer .chat-chip").count(), 0);
  await question().fill("");
});

test("Enter right behind the typing mentions what was typed, not what was offered before", async () => {
  await question().fill("");
  await page.keyboard.type("How does @s");
  await page.locator(".chat-offer[aria-selected=true]", { hasText: "selection" }).waitFor();
  // Nothing can be answered between two events of one task: the list is that of the letter before.
  await question().evaluate((field) => {
    field.value = "How does @stove";
    field.setSelectionRange(field.value.length, field.value.length);
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  });
  await page.locator(".chat-composer .chat-chip", { hasText: "kitchen/stove.rs" }).waitFor();
  assert.equal(await question().inputValue(), "How does stove.rs ");
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Backspace");
  await question().fill("");
});

test("without a model a question fails in a sentence that leads to one", async () => {
  await question().fill("Where is the stove lit?");
  await page.keyboard.press("Enter");
  const turn = turns().last();
  await settled(turn);
  await turn.getByRole("button", { name: "Try again" }).waitFor();
  await turn.getByRole("button", { name: "Choose a model" }).waitFor();
});

test("hostile Markdown runs nothing and fetches nothing", async () => {
  const hostile = [
    "<script>globalThis.pwned = 1</script><img src=x onerror='globalThis.pwned = 2'>",
    "![pixel](https://attacker.invalid/pixel.png) and <img src='https://attacker.invalid/2.png'>",
    "[press](javascript:globalThis.pwned=3) <a href='javascript:globalThis.pwned=4'>this</a> [data](data:text/html,<script>1</script>)",
    "<svg onload='globalThis.pwned=5'><style>@import 'https://attacker.invalid/x.css';</style></svg><style>body{display:none}</style>",
    "<form action='https://attacker.invalid'><input name=a></form><iframe src='https://attacker.invalid'></iframe>",
    "```html\"><img src=x onerror=globalThis.pwned=6>\n<script>globalThis.pwned=7</script>\n```",
    "[shown](https://example.invalid/path) and [invented](https://invented.invalid/) and https://invented.invalid/too",
  ].join("\n\n");
  // Addresses lead somewhere only where they stand in what the model was given.
  await answered(hostile, { question: "What are https://attacker.invalid/pixel.png, https://attacker.invalid/x.css and https://example.invalid/path?" });
  const answer = page.locator(".chat-answer").first();
  assert.equal(await answer.locator("script, img, svg:not(.icon), style, form, input, iframe, [style], [onerror], [onload]").count(), 0);
  for (const press of ["press", "this", "data"]) await answer.getByText(press, { exact: false }).first().click();
  const links = await answer.locator("a").evaluateAll((all) => all.map((link) => [link.href, link.rel, link.target]));
  assert.deepEqual(links.map(([href]) => href), ["https://attacker.invalid/pixel.png", "https://attacker.invalid/x.css", "https://example.invalid/path"]);
  for (const [, rel, target] of links) assert.deepEqual([rel, target], ["noopener noreferrer nofollow", "_blank"]);
  await answer.getByText("(https://example.invalid/path)").waitFor();
  await answer.getByText("invented (https://invented.invalid/) and https://invented.invalid/too").waitFor();
  assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
  assert.deepEqual(foreign, []);
  assert.deepEqual(browser.trouble.filter((line) => line.includes("CSP")), []);
});

test("finished parts of a growing answer look like the whole", async () => {
  const differs = await page.evaluate(async () => {
    const { render } = await globalThis.alcoveChat;
    const text = "# A\n\nb **c**\n\n- one\n- two\n\n```rust\nfn a() {}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nend `x`";
    const html = (part) => {
      const box = document.createElement("div");
      box.append(render(part, { isDraft: true }));
      return box.innerHTML.replace(/\s+/g, " ");
    };
    const parts = text.split(/\n\n(?!- )/).map((part) => html(`${part}\n\n`)).join("");
    return parts.replaceAll(" ", "") === html(text).replaceAll(" ", "") ? "" : `${parts}\n${html(text)}`;
  });
  assert.equal(differs, "");
});

test("a citation opens its line; one whose lines changed says so", async () => {
  const answer = "It is lit in [1] by `light()`, and the egg is fried in `kitchen/pan.py:3`.\n\n```rust\nspark();\nwait();\n```";
  const at = (text) => ({ start: answer.indexOf(text), end: answer.indexOf(text) + text.length });
  await answered(answer, {
    citations: [
      { ...at("[1]"), path: "kitchen/stove.rs", start_line: 4, end_line: 7, is_current: true },
      { ...at("`light()`"), path: "kitchen/stove.rs", start_line: 4, end_line: 4, is_current: true },
      { ...at("`kitchen/pan.py:3`"), path: "kitchen/pan.py", start_line: 2, end_line: 2, is_current: false },
      { ...at("```rust\nspark();\nwait();\n```"), path: "kitchen/stove.rs", start_line: 5, end_line: 6, is_current: true },
    ],
  });
  await page.getByRole("button", { name: "Open kitchen/pan.py:3, changed since this was written" }).click();
  await inEditor(page);
  await page.locator(".tab-bar [role=tab][aria-selected=true]", { hasText: "pan.py" }).waitFor();
  await cursor(3);
  await page.getByRole("button", { name: "Open kitchen/stove.rs:5–8" }).press("Enter");
  await inEditor(page);
  await cursor(5);
  await page.getByRole("button", { name: "light(), open kitchen/stove.rs:5" }).waitFor();
  await page.locator(".chat-code", { hasText: "spark();" }).getByRole("button", { name: "Open kitchen/stove.rs:6–7" }).click();
  await cursor(6);
});

test("code is copied, put at the caret, and applied as one step that is undone", async () => {
  await answered("Like this:\n\n```rust\npub fn light(&self, times: u32) {\n    for _ in 0..times {\n        spark();\n    }\n}\n```\n", {
    citations: [],
  });
  await picture(page, "chat-code");
  const text = () => page.evaluate(() => document.querySelector(".dirty") !== null);
  await page.getByRole("button", { name: "Apply to a file…" }).click();
  const dialog = page.getByRole("dialog", { name: "Proposed changes to stove.rs" });
  await dialog.waitFor();
  await picture(page, "chat-apply");
  await dialog.getByRole("button", { name: "Reject" }).click();
  assert.equal(await text(), false);
  await page.getByRole("button", { name: "Apply to a file…" }).click();
  await dialog.getByRole("button", { name: "Accept" }).click();
  await inEditor(page);
  await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("kitchen/stove.rs")).includes("for _ in 0..times"));
  const saved = await page.evaluate(() => alcove.read("kitchen/stove.rs"));
  assert.equal(saved, STOVE.replace("light(&self)", "light(&self, times: u32)").replace("        spark();\n        wait();\n", "        for _ in 0..times {\n            spark();\n        }\n"));
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+s");
  await eventually(page, async (before) => (await alcove.read("kitchen/stove.rs")) === before, STOVE);
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.getByRole("button", { name: "Insert at the caret" }).click();
  await inEditor(page);
  await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("notes.md")).includes("pub fn light(&self, times: u32)"));
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+s");
  await eventually(page, async (before) => (await alcove.read("notes.md")) === before, FILES["notes.md"]);
});

test("a conversation is saved as Markdown", async () => {
  await answered("It is **here**.");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the conversation as Markdown" }).click()]);
  assert.equal(download.suggestedFilename(), "what-is-this.md");
  const text = readFileSync(await download.path(), "utf8");
  assert.match(text, /^# What is this\?\n\n## What is this\?\n\nIt is \*\*here\*\*\.\n/);
});

test("the panel passes axe in light and dark, and fits a narrow window", async () => {
  await answered("# Title\n\nSee [1] and [a link](https://example.invalid).\n\n```rust\nfn a() {}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", {
    citations: [{ start: 13, end: 16, path: "kitchen/stove.rs", start_line: 4, end_line: 7, is_current: false }],
    mentions: [{ Path: "kitchen/stove.rs" }],
    context: {
      grounding: "Found",
      passages: [{ number: 1, path: "kitchen/stove.rs", start_line: 4, end_line: 7, symbol: "Stove.light", text: "pub fn light", num_tokens: 12, is_cut: false, score: 0.8 }],
      left_out: ["One passage did not fit."], messages: [{ speaker: "User", text: "What?" }], num_tokens: 90, max_tokens: 2048,
    },
  });
  await page.locator(".chat-sources").getByText("Found in").waitFor();
  await page.locator(".chat-source", { hasText: "Stove.light stove.rs:5" }).waitFor();
  await page.locator(".chat-sent > summary").click();
  await page.getByText("One passage did not fit.").waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `chat-${colorScheme}`);
    assert.deepEqual(await findings(), []);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await picture(page, "chat-narrow");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320 && document.querySelector(".chat .panel-scroll").scrollWidth <= 321));
  assert.deepEqual(await findings(), []);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
});

// --- with a model ---

test("a model answers in pieces, and what was sent to it can be looked at", async () => {
  await page.evaluate((model) => alcove.load(model), MODEL);
  await page.getByRole("button", { name: "New conversation" }).click();
  await question().fill("How is the stove lit?");
  await page.keyboard.press("Enter");
  await page.locator(".chat-state", { hasText: /Searching|Reading|Writing/ }).first().waitFor();
  await page.locator(".chat-turn[aria-busy=true] .chat-answer", { hasText: /\w/ }).waitFor({ timeout: 120_000 });
  await picture(page, "chat-writing");
  await settled(turns().last());
  await page.locator(".chat-sent > summary", { hasText: /What was sent: \d+ passages?, [\d,]+ of [\d,]+ tokens/ }).click();
  await page.locator(".chat-passages .chat-cite", { hasText: "kitchen/stove.rs" }).first().waitFor();
  const sent = await page.locator(".chat-sent pre").allTextContents();
  assert.ok(sent.some((text) => text.includes("spark()")), "the file's lines were sent");
  assert.ok(sent.some((text) => text.includes("How is the stove lit?")), "the question was sent");
  await page.locator(".chat-passages .chat-cite").first().click();
  await inEditor(page);
  await page.locator(".tab-bar [role=tab][aria-selected=true]", { hasText: "stove.rs" }).waitFor();
});

test("an answer is stopped and keeps what was written; it is written again in its place", async () => {
  await page.keyboard.press("Control+Alt+i");
  await question().fill("Explain every line of the stove at length.");
  await page.keyboard.press("Enter");
  await page.locator(".chat-turn[aria-busy=true] .chat-answer", { hasText: /\w{2}/ }).waitFor({ timeout: 120_000 });
  await page.keyboard.press("Escape");
  const turn = turns().nth(1);
  await settled(turn);
  await turn.getByText("Stopped.").waitFor();
  assert.notEqual((await turn.locator(".chat-answer").textContent()).trim(), "");
  await turn.getByRole("button", { name: "Answer again" }).click();
  await page.locator(".chat-turn[aria-busy=true]").waitFor();
  await settled(turn);
  assert.equal(await turns().count(), 2);
  assert.notEqual((await turn.locator(".chat-answer").textContent()).trim(), "");
  assert.equal(await turn.getByRole("button", { name: "Try again" }).count(), 0);
});

test("a whole answer stays where another was asked for and stopped", async () => {
  const turn = turns().nth(0);
  const whole = await turn.locator(".chat-answer").textContent();
  await turn.getByRole("button", { name: "Answer again" }).click();
  await page.locator(".chat-turn[aria-busy=true] .chat-answer", { hasText: /\w{2}/ }).waitFor({ timeout: 120_000 });
  await page.keyboard.press("Escape");
  await settled(turn);
  assert.equal(await turn.locator(".chat-answer").textContent(), whole);
});

test("a changed question is a branch, and both can be looked at", async () => {
  await turns().nth(1).getByRole("button", { name: "Edit the question" }).click();
  const field = page.getByRole("textbox", { name: "The question, changed" });
  await field.fill("Who fries the eggs in the pan?");
  await field.press("Enter");
  await turns().nth(1).getByText("2/2").waitFor();
  await settled(turns().nth(1));
  await turns().nth(1).getByRole("button", { name: "Version before" }).click();
  await turns().nth(1).getByText("1/2").waitFor();
  await turns().nth(1).locator(".chat-asked", { hasText: "Explain every line" }).waitFor();
});

test("a reload brings the conversation, the branch and the unsent question back", async () => {
  const before = await page.locator(".chat-answer").allTextContents();
  await question().fill("A question that I have not se");
  await page.keyboard.press("End");
  await page.keyboard.type("nt");
  await page.reload();
  await page.waitForFunction(() => globalThis.alcove !== undefined);
  await turns().nth(1).getByText("1/2").waitFor({ timeout: 30_000 });
  assert.deepEqual(await page.locator(".chat-answer").allTextContents(), before);
  assert.equal(await question().inputValue(), "A question that I have not sent");
});

test("conversations are listed, renamed and deleted", async () => {
  await page.getByRole("button", { name: "Conversations" }).click();
  const row = page.locator(".chat-row.current");
  await row.getByText(/3 questions/).waitFor();
  assert.deepEqual(await findings(), []);
  await row.getByRole("button", { name: /^Rename/ }).click();
  const name = page.getByRole("dialog").getByRole("textbox", { name: "Name" });
  await name.fill("Stoves");
  await name.press("Enter");
  await row.getByText("Stoves").waitFor();
  await row.getByRole("button", { name: "Delete Stoves" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await row.waitFor({ state: "hidden" });
  await eventually(page, async () => !(await alcove.chats()).some(({ title }) => title === "Stoves"));
  assert.deepEqual(foreign, []);
});
