// wllama (llama.cpp in wasm), versions 2.4 and 3.8, on one thread and the processor, in a page of its own origin: the app's
// policy lets nothing foreign run in the app's page. Model files are read from the disk by a small server.
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";

const require = createRequire(import.meta.url);
/** Folder of a package's modules, and where its single-threaded wasm lies in it. */
const packages = {
  "wllama 2.4": { folder: dirname(require.resolve("wllama-2/esm/index.js")), wasm: "single-thread/wllama.wasm" },
  "wllama 3.8": { folder: dirname(require.resolve("wllama-3/esm/index.js")), wasm: "wasm/wllama.wasm" },
};
export const versions = Object.keys(packages);

/** The exact version that is installed. */
export const exact = (version) => {
  const found = JSON.parse(readFileSync(join(packages[version].folder, "..", "package.json"), "utf8"));
  return `wllama ${found.version}`;
};

const types = { ".wasm": "application/wasm", ".js": "text/javascript" };

/** A server for the peers and these model files. @param {Record<string, string>} models path by name */
export async function servePeers(models) {
  const server = createServer((request, response) => {
    const [, kind, ...rest] = decodeURIComponent(new URL(request.url, "http://localhost").pathname).split("/");
    const name = rest.join("/");
    if (kind === "" || kind === "page") {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Peers</title>");
      return;
    }
    const index = Number(kind.replace("peer", ""));
    const file = kind === "model" ? models[name] : /^[\w./-]+$/.test(name) && !name.includes("..") ? join(packages[versions[index]]?.folder ?? "", name) : undefined;
    try {
      const { size } = statSync(file);
      response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-length": size });
      createReadStream(file).pipe(response);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}/page`, stop: () => new Promise((done) => server.close(done)) };
}

/** Load a version with a model on a page of the peers' server; it is `globalThis.peer` there until `unload`. */
export async function load(page, version, model, context) {
  const index = versions.indexOf(version);
  await page.evaluate(async ({ index, wasm, model, context }) => {
    const { Wllama } = await import(`/peer${index}/index.js`);
    const quiet = { debug() {}, log() {}, warn: console.warn, error: console.error };
    const path = `${location.origin}/peer${index}/${wasm}`;
    const peer = new Wllama(index === 0 ? { "single-thread/wllama.wasm": path } : { default: path }, { suppressNativeLog: true, logger: quiet });
    const file = await (await fetch(`/model/${encodeURIComponent(model)}`)).blob();
    await peer.loadModel([new File([file], "model.gguf")], { n_ctx: context, n_threads: 1, n_gpu_layers: 0, ...(index === 0 ? {} : { n_parallel: 1 }) });
    globalThis.peer = peer;
    globalThis.peerIsOld = index === 0;
  }, { index, wasm: packages[version].wasm, model, context });
}

/** End the version on the page and free its memory. */
export const unload = (page) =>
  page.evaluate(async () => {
    await globalThis.peer?.exit();
    globalThis.peer = undefined;
  });

/**
 * Let the peer go on from a text greedily, knowing nothing of it. Gives the text, its tokens where the version tells
 * them, and seconds for the prompt with the first token and for each of the others. Version 3.8 tells its own times; 2.4
 * is timed by the page's clock, which adds a message each way a token.
 */
export const write = (page, prompt, maxTokens) =>
  page.evaluate(async ({ prompt, maxTokens }) => {
    const peer = globalThis.peer;
    if (!globalThis.peerIsOld) {
      const answer = await peer.createCompletion({ prompt, max_tokens: maxTokens, temperature: 0, top_k: 1, cache_prompt: false, stream: false });
      const { prompt_n, prompt_ms, predicted_n, predicted_ms, cache_n } = answer.timings;
      // Its count of written tokens includes the first one, whose time belongs to the prompt.
      return { text: answer.choices[0].text, numPrompt: prompt_n, numCached: cache_n, prefillS: prompt_ms / 1000, numDecoded: predicted_n - 1, decodeS: predicted_ms / 1000 };
    }
    const times = [];
    const tokens = [];
    const numPrompt = (await peer.tokenize(prompt, true)).length;
    const start = performance.now();
    const text = await peer.createCompletion(prompt, {
      nPredict: maxTokens,
      sampling: { temp: 0, top_k: 1 },
      useCache: false,
      onNewToken: (token) => {
        times.push(performance.now());
        tokens.push(token);
      },
    });
    return { text, tokens, numPrompt, numCached: 0, prefillS: (times[0] - start) / 1000, numDecoded: times.length - 1, decodeS: (times.at(-1) - times[0]) / 1000 };
  }, { prompt, maxTokens });

/** How far apart the logits of the two likeliest tokens are after a prompt and some tokens; version 2.4 only. */
export const gap = (page, prompt, tokens) =>
  page.evaluate(async ({ prompt, tokens }) => {
    const peer = globalThis.peer;
    await peer.kvClear();
    await peer.samplingInit({ temp: 0 });
    await peer.decode([...(await peer.tokenize(prompt, true)), ...tokens], {});
    const [best, second] = await peer.getLogits(2);
    const text = async (token) => new TextDecoder().decode(await peer.detokenize([token]));
    return { gap: Math.log(best.p / second.p), best: await text(best.token), second: await text(second.token) };
  }, { prompt, tokens });

/** The texts of tokens one by one, as bytes; version 2.4 only. */
export const pieces = (page, tokens) =>
  page.evaluate(async (tokens) => {
    const all = [];
    for (const token of tokens) all.push([...(await globalThis.peer.detokenize([token]))]);
    return all;
  }, tokens);
