// What a language model does in the browser, on one thread and the processor: against wllama, and by itself.
//
// usage: node generate.mjs [--smollm2 FILE] [--qwen FILE] [--json OUT] [--only FIGURE,…] [--rounds N] [--prompts N]
//                          [--new N] [--words N] [--gaps llm-gaps]
//
//   --only     speed, match, cancel, load; all unless given
//   --rounds   of each figure, 7 unless given
//   --prompts  texts for greedy_match, 20 unless given
//   --new      tokens to write, 64 unless given
//   --words    length of the prompt for speed, 120 unless given, which is about 256 tokens
//   --gaps     the program of crate bench: it says what float32 makes of the places where texts part
//
// The app's page and the peers' page are open in the same browser and take turns. A model whose file is not named is left
// out with a sentence.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { openBrowser, serve } from "../../lib/alcove.mjs";
import { keep, load, median, open, present, prompt, quantile, Rows, write } from "./app.mjs";
import * as peers from "./peers.mjs";
import { PROMPTS } from "./prompts.mjs";

const { values: options } = parseArgs({
  options: {
    smollm2: { type: "string" },
    qwen: { type: "string" },
    json: { type: "string" },
    only: { type: "string", default: "speed,match,cancel,load" },
    rounds: { type: "string", default: "7" },
    prompts: { type: "string", default: "20" },
    new: { type: "string", default: "64" },
    words: { type: "string", default: "120" },
    gaps: { type: "string" },
  },
});
const [rounds, numNew, words] = [options.rounds, options.new, options.words].map(Number);
const prompts = PROMPTS.slice(0, Number(options.prompts));
const wants = (figure) => options.only.split(",").includes(figure);
const files = present({ SmolLM2: options.smollm2, "Qwen2.5-Coder-0.5B": options.qwen });
const context = 1024;
const rows = new Rows(options.json);
let turn = 0;

const server = await serve();
const theirs = await peers.servePeers(Object.fromEntries(files));
const browser = await openBrowser();
const page = await browser.page();
const other = await browser.context.newPage();
try {
  await open(page, server.url, { device: "cpu" });
  await other.goto(theirs.url);
  for (const [name, file] of files) {
    const id = await keep(page, file);
    await load(page, id, { maxTokens: context });
    const texts = {};
    for (const version of peers.versions) {
      if (!wants("speed") && !wants("match")) break;
      await other.bringToFront();
      await peers.load(other, version, name, context);
      if (wants("speed")) await speed(name, version);
      if (wants("match")) texts[version] = await match(name, version, texts);
      await peers.unload(other);
    }
    if (wants("cancel")) await cancel(name);
    if (wants("load")) await loading(name, id, file);
  }
} finally {
  await browser.close();
  await theirs.stop();
  await server.stop();
}
fasterOfBoth();

/** Ours, with the app's page in front, as it is when somebody uses it. */
async function ours(text, maxTokens) {
  await page.bringToFront();
  return write(page, text, maxTokens);
}

async function speed(name, version) {
  const ratios = { prefill: [], decode: [] };
  const mine = { prefill: [], decode: [] };
  const peer = { prefill: [], decode: [] };
  for (let round = -1; round < rounds; round++) {
    const text = prompt(++turn, words);
    const a = await ours(text, numNew);
    await other.bringToFront();
    const b = await peers.write(other, text, numNew);
    if (a.numPrompt !== b.numPrompt) console.log(`  the prompt has ${a.numPrompt} tokens for us and ${b.numPrompt} for ${version}`);
    // The first round only warms up. What both know of the text before is nothing but its first tokens.
    if (round < 0) continue;
    const rate = ({ numPrompt, numCached, prefillS, numDecoded, decodeS }) => ({ prefill: (numPrompt - numCached) / prefillS, decode: numDecoded / decodeS });
    const [x, y] = [rate(a), rate(b)];
    for (const part of ["prefill", "decode"]) mine[part].push(x[part]), peer[part].push(y[part]), ratios[part].push(x[part] / y[part]);
  }
  for (const [part, target] of [["decode", "≥ 2"], ["prefill", "≥ 4"]]) {
    const more = { ours: Number(median(mine[part]).toFixed(1)), peer: Number(median(peer[part]).toFixed(1)), model: name, part };
    rows.add("cpu_ratio_wllama", `${name}, ${part}, one thread, ${peers.exact(version)}`, median(ratios[part]), "x", target, rounds, more);
    console.log(`  ours ${more.ours} tokens/s, ${version} ${more.peer}`);
  }
}

/** The target is against the faster of both versions, so the lesser ratio is the figure. */
function fasterOfBoth() {
  const of = (name, part) => rows.list.filter((row) => row.id === "cpu_ratio_wllama" && row.model === name && row.part === part);
  for (const [name] of files) {
    for (const part of ["decode", "prefill"]) {
      const found = of(name, part);
      if (found.length < 2) continue;
      const least = found.reduce((a, b) => (b.value < a.value ? b : a));
      rows.add("cpu_ratio_wllama", `${name}, ${part}, one thread, the faster of both`, least.value, "x", least.target, least.samples);
    }
  }
}

async function match(name, version, known) {
  const results = [];
  for (const text of prompts) {
    const a = known["wllama 2.4"]?.find((result) => result.text === text)?.ours ?? (await ours(text, numNew)).text;
    await other.bringToFront();
    const b = await peers.write(other, text, numNew);
    results.push({ text, ours: a, theirs: b.text, tokens: b.tokens });
  }
  const apart = results.filter((result) => result.ours !== result.theirs);
  rows.add("greedy_match", `${name}, ${prompts.length} texts of ${numNew} tokens, the same as ${peers.exact(version)}`, prompts.length - apart.length, "", `≥ ${Math.ceil(prompts.length * 0.9)}`, prompts.length);
  if (version !== "wllama 2.4") return results;
  const gaps = [];
  for (const result of apart) {
    // Tokens whose bytes are the beginning of both texts.
    const bytes = Buffer.from(result.ours);
    const common = [];
    let at = 0;
    for (const [i, piece] of (await peers.pieces(other, result.tokens)).entries()) {
      if (!Buffer.from(piece).equals(bytes.subarray(at, at + piece.length))) break;
      at += piece.length;
      common.push(result.tokens[i]);
    }
    const { gap, best, second } = await peers.gap(other, result.text, common);
    gaps.push(gap);
    result.common = common;
    console.log(`  ${JSON.stringify(result.text.slice(0, 40))}: parts at token ${common.length}, where llama.cpp has ${JSON.stringify(best)} ${gap.toFixed(4)} above ${JSON.stringify(second)}; ours goes on with ${JSON.stringify(bytes.subarray(at, at + 12).toString())}`);
  }
  if (gaps.length > 0) rows.add("greedy_match", `${name}, largest gap of the two best logits of llama.cpp where texts part`, Math.max(...gaps), "", "≤ 0.5", gaps.length);
  if (options.gaps && apart.length > 0) inFloat32(name, apart);
  return results;
}

/** What float32 says where texts part: who goes on as it would, and how near the two are. */
function inFloat32(name, apart) {
  const file = Object.fromEntries(files)[name];
  const places = apart.map(({ text, common, tokens }) => ({ prompt: text, then: common, other: tokens[common.length] }));
  const answer = JSON.parse(execFileSync(options.gaps, ["--model", file], { input: JSON.stringify(places), maxBuffer: 1 << 28 }));
  let right = 0;
  for (const [i, { best, gap }] of answer.entries()) {
    const { text, ours, common, tokens } = apart[i];
    // llama.cpp goes on with the token that float32 does not hold for the best: then ours has the better claim.
    const oursMay = best.id !== tokens[common.length];
    right += oursMay ? 1 : 0;
    console.log(`  ${JSON.stringify(text.slice(0, 40))}: in float32 the best is ${JSON.stringify(best.text)}, ${gap.toFixed(4)} above the token of ${oursMay ? "llama.cpp" : "the second"} (${ours.length} characters of ours)`);
  }
  rows.add("greedy_match", `${name}, texts that part where float32 is not with llama.cpp`, right, "", undefined, apart.length);
  rows.add("greedy_match", `${name}, largest gap in float32 where texts part`, Math.max(...answer.map(({ gap }) => gap)), "", "≤ 0.5", apart.length);
}

/**
 * From the call that ends a text to the model being free: another text, of one token, is asked for in the same moment, and
 * what that takes on an idle model is taken off.
 */
async function cancel(name) {
  await page.bringToFront();
  for (const [part, length, tokens] of [["while it writes", 20, 4], ["while it reads a prompt", 400, 0]]) {
    const times = [];
    for (let round = 0; round < 3 * rounds; round++) {
      const text = prompt(++turn, length);
      times.push(await page.evaluate(async ({ text, tokens }) => {
        const wish = (text, maxTokens) => alcove.generate({ prompt: text, maxTokens, sampling: { temperature: 0 } })[Symbol.asyncIterator]();
        const tiny = async (text) => {
          const began = performance.now();
          const pieces = wish(text, 1);
          while (!(await pieces.next()).done);
          return performance.now() - began;
        };
        await tiny("a");
        const idle = await tiny("b");
        const pieces = wish(text, 200);
        const first = pieces.next();
        if (tokens > 0) await first;
        else await new Promise((resolve) => setTimeout(resolve, 100));
        for (let i = 1; i < tokens; i++) await pieces.next();
        const began = performance.now();
        const ended = pieces.return();
        const next = tiny("c");
        await Promise.all([ended, first.catch(() => undefined)]);
        await next;
        return Math.max(0, performance.now() - began - idle);
      }, { text, tokens }));
    }
    rows.add("cancel_ms", `${name}, ${part}, p50`, median(times), "ms", "≤ 50", times.length);
    rows.add("cancel_ms", `${name}, ${part}, p95`, quantile(times, 0.95), "ms", "≤ 50", times.length);
  }
}

async function loading(name, id, file) {
  const times = [];
  let info;
  for (let round = -1; round < rounds; round++) {
    await page.goto(server.url);
    await page.waitForFunction(() => globalThis.alcove !== undefined);
    const [took, said] = await page.evaluate(async (id) => {
      const began = performance.now();
      const info = await alcove.load(id, { maxTokens: 1024 });
      const pieces = alcove.generate({ prompt: "def add(a, b):", maxTokens: 1, sampling: { temperature: 0 } })[Symbol.asyncIterator]();
      await pieces.next();
      const took = performance.now() - began;
      await pieces.return();
      return [took, info];
    }, id);
    info = said;
    // The first visit fills the browser's cache of compiled code.
    if (round >= 0) times.push(took / 1000);
  }
  const isSmall = name === "SmolLM2";
  rows.add("load_first_token_s", `${name}, from OPFS, call → first token`, median(times), "s", isSmall ? "≤ 2" : "", times.length);
  const weights = statSync(file).size / 1e6;
  rows.add("load_peak_mb", `${name}, largest linear memory of the worker while loading`, info.loadPeakBytes / 1e6, "MB", `≤ ${(weights + (64 << 20) / 1e6).toFixed(0)}`, 1, { weights: Number((info.weightBytes / 1e6).toFixed(1)) });
}
