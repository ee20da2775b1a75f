// The parts of the chat panel that need no page: where a growing text may be cut, branches, mentions, export, and where
// code belongs in a file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { withCode } from "../../app/js/chat/apply.js";
import { path } from "../../app/js/chat/branches.js";
import { asMarkdown, ending, fileName } from "../../app/js/chat/export.js";
import { label, meant, named, parts, place, typed } from "../../app/js/chat/mentions.js";
import { finished } from "../../app/js/chat/stream.js";

const ANSWER = "# Retry\n\nIt is in `retry`.\nTwo lines.\n\n```rust\nfn a() {\n\n    b();\n}\n```\nAfter.\n\n- one\n\n  still one\n- two\n\nEnd.\n\n````md\n```\n````\n1. x\n\n2. y\n\nlast";

test("a growing answer is cut between blocks only, and a cut stays", () => {
  let before = 0;
  const cuts = new Set();
  for (let n = 0; n <= ANSWER.length; n += 1) {
    const cut = finished(ANSWER.slice(0, n), before);
    assert.ok(cut >= before && cut <= n, `${before} ${cut} ${n}`);
    assert.ok(cut === 0 || ANSWER[cut - 1] === "\n");
    // Looking at the whole text again finds the same place.
    assert.equal(finished(ANSWER.slice(0, n)), cut, JSON.stringify(ANSWER.slice(0, n)));
    before = cut;
    cuts.add(cut);
  }
  const blocks = [...cuts].sort((a, b) => a - b).map((at, n, all) => ANSWER.slice(at, all[n + 1] ?? ANSWER.length));
  assert.deepEqual(blocks, [
    "# Retry\n\n",
    "It is in `retry`.\nTwo lines.\n\n",
    "```rust\nfn a() {\n\n    b();\n}\n```\n",
    "After.\n\n- one\n\n  still one\n- two\n\n",
    "End.\n\n",
    "````md\n```\n````\n",
    // A line that has not ended may still become an item.
    "1. x\n\n2. y\n\nlast",
  ]);
});

test("code that never ends is never cut, and an indented mark does not end it", () => {
  assert.equal(finished("a\n\n```\nb\n\nc\n\n    ```\n\nd\n"), 3);
  assert.equal(finished("```\n``\n~~~\n```x\n"), 0);
  assert.equal(finished("a\n\n"), 0, "the next line may go on with a list");
});

const turn = (id, after, more = {}) => ({
  id, after, question: id, mentions: [], answer: "", citations: [], end: "Complete", model: null, asked_unix_ms: 0, not_kept: "", ...more,
});
const ids = (turns, chosen) => path(turns, chosen).map(({ turn, branches }) => `${turn.id} ${branches.indexOf(turn.id) + 1}/${branches.length}`);

test("the latest branch is on show unless another one was chosen", () => {
  const turns = [turn("a", null), turn("b", "a"), turn("c", "b"), turn("b2", "a"), turn("a2", null)];
  assert.deepEqual(ids(turns, {}), ["a2 2/2"]);
  assert.deepEqual(ids(turns, { "": "a" }), ["a 1/2", "b2 2/2"]);
  assert.deepEqual(ids(turns, { "": "a", a: "b" }), ["a 1/2", "b 1/2", "c 1/1"]);
  assert.deepEqual(ids(turns, { "": "gone" }), ["a2 2/2"]);
});

test("a damaged conversation is shown as far as it goes", () => {
  assert.deepEqual(ids([turn("b", "gone"), turn("c", "b")], {}), ["b 1/1", "c 1/1"]);
  assert.deepEqual(ids([turn("a", "a")], {}), ["a 1/1"]);
  assert.deepEqual(ids([turn("a", "b"), turn("b", "a")], {}), []);
  assert.deepEqual(ids([], {}), []);
});

test("mentions are found where they are typed and where they stand", () => {
  for (const [text, name] of [["@", ""], ["in @src/ma", "src/ma"], ["(@a", "a"], ["a@b", null], ["@a b", null], ["x\n@y", "y"]]) {
    assert.equal(typed(text, text.length)?.name ?? null, name, text);
  }
  assert.deepEqual(typed("see @ab and", 6), { start: 4, name: "a" });
  assert.deepEqual(named("Does @save, in @src/a.rs, call @save? Mail me@home.org (@x.y)."), ["save", "src/a.rs", "x.y"]);
  assert.deepEqual(named("@ @"), []);
  assert.deepEqual(meant("a.rs", (path) => path === "a.rs"), { Path: "a.rs" });
  assert.deepEqual(meant("Session.request", () => false), { Symbol: "Session.request" });
  assert.deepEqual(meant("src/", () => false), { Path: "src/" });
  assert.equal(label({ Lines: { path: "a", start_line: 1, end_line: 3, text: "" } }), "a:2–4");
  assert.equal(place("a", 0, 0), "a:1");
  assert.deepEqual(parts({ Symbol: "A.b" }), ["Symbol", "A.b", "", "", ""]);
  assert.deepEqual(parts({ Lines: { path: "a", start_line: 0, end_line: 2, text: "x" } }), ["Lines", "a", "0", "2", "x"]);
});

test("a conversation becomes Markdown that says where it comes from", () => {
  const cited = { start: 0, end: 1, path: "a`b.rs", start_line: 4, end_line: 8, is_current: false };
  const text = asMarkdown("What *is* it?", [
    turn("Where is it?\nReally?", null, { mentions: [{ Path: "src/" }], answer: "There [1].", citations: [cited, cited], model: { model: "smol" } }),
    turn("And?", "x", { end: { Failed: "The model stopped." } }),
    turn("Then?", "x", { answer: "Half", end: "Stopped" }),
  ]);
  assert.equal(
    text,
    "# What \\*is\\* it?\n\n## Where is it?\n\n> Where is it?\n> Really?\n\nAsked about `src/`.\n\nThere [1].\n\nSources:\n\n" +
      "- `` a`b.rs:5–9 `` (changed since)\n\nWritten by smol on this device, 1970-01-01.\n\n## And?\n\nThe model stopped.\n\n## Then?\n\nHalf\n\n*Stopped.*\n",
  );
  assert.equal(ending("Complete"), "");
  assert.equal(fileName("Où est: “retry”?"), "où-est-retry.md");
  assert.equal(fileName("…"), "conversation.md");
});

const FILE = "use std::io;\n\nimpl Stove {\n    /// Turns it on.\n    fn light(&self) {\n        spark();\n        wait();\n    }\n\n    fn turn_off(&self) {\n        close();\n    }\n}\n";
const at = (code, definitions = [], selection = null) => withCode(FILE, code, definitions, selection);

test("a definition is replaced as a whole, in its own indentation", () => {
  const code = "fn light(&self) {\n    spark();\n    spark();\n}\n";
  const { text, isPlaced } = at(code, [[2, 12], [4, 7], [9, 11]]);
  assert.ok(isPlaced);
  assert.equal(text, FILE.replace("        spark();\n        wait();\n", "        spark();\n        spark();\n"));
});

test("what belongs to a definition above it does not come twice", () => {
  const { text } = at("/// Turns it on.\nfn light(&self) {\n    hum();\n}", [[4, 7]]);
  assert.equal(text, FILE.replace("        spark();\n        wait();\n", "        hum();\n"));
});

test("a definition with other parameters is still the same one", () => {
  const { text } = at("fn light(&self, times: u32) {\n    spark(times);\n}", [[2, 12], [4, 7], [9, 11]]);
  assert.equal(text, FILE.replace("light(&self)", "light(&self, times: u32)").replace("        spark();\n        wait();\n", "        spark(times);\n"));
  // Which one is meant cannot be told where two have the name.
  assert.equal(withCode("fn a(x) {\n}\nfn a(y) {\n}\n", "fn a(z) {\n}", [[0, 1], [2, 3]], null).isPlaced, false);
});

test("lines that stand in the file say where the code between them belongs", () => {
  const { text } = at("    spark();\n    log(\"lit\");\n    wait();");
  assert.equal(text, FILE.replace("        spark();\n", "        spark();\n        log(\"lit\");\n"));
});

test("code that the file knows nothing about goes to the selection or below the caret, and says so", () => {
  const selected = at("boil();", [], { start: 5, end: 6 });
  assert.equal(selected.text, FILE.replace("        spark();\n        wait();\n", "        boil();\n"));
  assert.ok(selected.isPlaced);
  const below = at("boil();", [], { start: 5, end: 5 });
  assert.deepEqual([below.isPlaced, below.text], [false, FILE.replace("spark();\n", "spark();\nboil();\n")]);
  assert.deepEqual(at("boil();"), { isPlaced: false, text: `${FILE}\nboil();` });
});
