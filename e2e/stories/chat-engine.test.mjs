// Answers from the workspace, through `window.alcove.chat` with the real small model: what it cites is there, what it
// cannot know it is not asked, and what was said stays.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, serve, untilStatus } from "../lib/alcove.mjs";
import { crates } from "../lib/project.mjs";

const MODEL = "smollm2-135m-instruct";
const project = crates("text", "store");

let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await openApp(page, server.url);
  await openFiles(page, project);
  await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
  await page.evaluate((id) => alcove.load(id), MODEL);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const ask = (question, options = {}) => page.evaluate(([question, options]) => alcove.chat(question, options), [question, options]);

/** Every citation is of lines that are there, and stands in the answer. */
function holds(answer) {
  for (const cited of answer.citations) {
    const lines = project[cited.path]?.split("\n");
    assert.ok(lines, `${cited.path} is no file of the project`);
    assert.ok(cited.startLine >= 1 && cited.startLine <= cited.endLine && cited.endLine <= lines.length, JSON.stringify(cited));
    assert.ok(answer.text.slice(cited.start, cited.end).trim().length > 0, JSON.stringify(cited));
  }
}

test("an answer streams, rests on passages of the project, and cites lines that are there", async (t) => {
  const answer = await page.evaluate(async () => {
    let streamed = "";
    const answer = await alcove.chat("How does the line index turn a byte into a line?", {
      maxTokens: 96,
      onText: (text) => (streamed += text),
    });
    return { ...answer, streamed };
  });
  assert.equal(answer.context.grounding, "found");
  assert.match(answer.end, /^(complete|length)$/);
  assert.ok(answer.text.startsWith(answer.streamed.slice(0, 20)) && answer.streamed.length > 0);
  const passage = answer.context.passages[0];
  const lines = project[passage.path].split("\n").slice(passage.startLine - 1, passage.endLine);
  assert.equal(passage.text, lines.join("\n"));
  assert.ok(answer.context.passages.some((p) => p.path.includes("line_index")));
  assert.ok(answer.context.numTokens <= 1500, `${answer.context.numTokens} tokens were sent`);
  t.diagnostic(`${answer.context.numTokens} tokens sent, ${answer.citations.length} references: ${JSON.stringify(answer.text)}`);
  holds(answer);
});

test("a question about something else finds nothing, and the model is not asked", async () => {
  const answer = await ask("How do I bake sourdough bread?");
  assert.deepEqual([answer.end, answer.text, answer.context.grounding], ["nothingFound", "", "notFound"]);
  assert.equal(answer.model, null);
});

test("what a person points to is what the model gets", async () => {
  const answer = await ask("What is done here when the disk is full?", { files: ["store/src/disk.rs"], maxTokens: 48 });
  assert.equal(answer.context.grounding, "pointed");
  assert.ok(answer.context.passages.every((passage) => passage.path === "store/src/disk.rs"));
  holds(answer);
  const none = await ask("What is this?", { files: ["not/there.rs"] });
  assert.equal(none.end, "nothingFound");
  assert.match(none.context.leftOut[0], /not\/there\.rs/);
});

test("stopping keeps what was written", async () => {
  const answer = await page.evaluate(() => {
    const stop = new AbortController();
    return alcove.chat("How does a commit reach the log?", {
      maxTokens: 1000,
      signal: stop.signal,
      onText: () => stop.abort(),
    });
  });
  assert.equal(answer.end, "stopped");
  assert.ok(answer.text.length > 0);
});

test("a follow-up is searched with the question before it, and the conversation survives a reload", async () => {
  const first = await ask("How does a commit reach the log?", { maxTokens: 24 });
  const second = await ask("and why is that?", { maxTokens: 24, thread: first.thread });
  assert.equal(second.context.grounding, "found");
  await openApp(page, server.url);
  await untilStatus(page, (s) => s.numFiles > 5);
  const turns = await page.evaluate((thread) => alcove.chatTurns(thread), first.thread);
  assert.deepEqual(turns.map((turn) => turn.question), ["How does a commit reach the log?", "and why is that?"]);
  assert.deepEqual(turns.map((turn) => turn.text), [first.text, second.text]);
  assert.ok(turns.every((turn) => turn.notKept === "" && turn.citations.every((cited) => cited.isCurrent)));
  const kept = await page.evaluate(() => alcove.chats());
  assert.ok(kept.some((chat) => chat.thread === first.thread && chat.numTurns === 2));
  await page.evaluate((thread) => alcove.deleteChat(thread), first.thread);
  assert.deepEqual(await page.evaluate((thread) => alcove.chatTurns(thread), first.thread), []);
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
