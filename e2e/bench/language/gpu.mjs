// Share of a graphics card's memory bandwidth that decoding uses: `gpu_bandwidth_share`. Needs a real adapter; where the
// browser has none, or a software one, it says so and writes no rows.
//
// usage: node gpu.mjs [--smollm2 FILE] [--qwen FILE] [--json OUT] [--rounds N]
//
// A token reads every weight once, so bandwidth ÷ bytes of weights is the most tokens that a second can have. Bandwidth is
// what copying a large buffer reaches on the same adapter, reading and writing counted.
import { parseArgs } from "node:util";
import { flags, openBrowser, serve } from "../../lib/alcove.mjs";
import { keep, load, median, open, present, prompt, Rows, write } from "./app.mjs";

const { values: options } = parseArgs({
  options: {
    smollm2: { type: "string" },
    qwen: { type: "string" },
    json: { type: "string" },
    rounds: { type: "string", default: "7" },
  },
});
const rows = new Rows(options.json);
const args = flags.filter((flag) => !flag.startsWith("--use-webgpu-adapter"));
const server = await serve();
const browser = await openBrowser({ context: { args: [...args, "--enable-features=Vulkan"] } });
const page = await browser.page();
try {
  await open(page, server.url, { device: "gpu" });
  const adapter = await page.evaluate(bandwidth);
  if (adapter.why) console.log(`gpu_bandwidth_share was not measured: ${adapter.why}.`);
  else {
    console.log(`${adapter.name} copies at ${adapter.gbPerS.toFixed(0)} GB/s, reading and writing counted`);
    for (const [name, file] of present({ SmolLM2: options.smollm2, "Qwen2.5-Coder-0.5B": options.qwen })) {
      const info = await load(page, await keep(page, file), { maxTokens: 1024 });
      if (!/WebGPU/i.test(info.reason)) {
        console.log(`${name} does not run on the graphics card: ${info.reason}`);
        continue;
      }
      const rates = [];
      for (let round = -1; round < Number(options.rounds); round++) {
        const { numDecoded, decodeS } = await write(page, prompt(round + 2, 40), 128);
        if (round >= 0) rates.push(numDecoded / decodeS);
      }
      const most = (adapter.gbPerS * 1e9) / info.weightBytes;
      rows.add("gpu_bandwidth_share", `${name}, decode, WebGPU on ${adapter.name}`, (100 * median(rates)) / most, "%", "≥ 60", rates.length, { tokensPerS: Number(median(rates).toFixed(1)), gbPerS: Number(adapter.gbPerS.toFixed(0)) });
      rows.add("gpu_bandwidth_share", `${name}, decode, WebGPU on ${adapter.name}, tokens a second`, median(rates), "/s", "", rates.length);
    }
  }
} finally {
  await browser.close();
  await server.stop();
}

// Runs in the page.
async function bandwidth() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return { why: navigator.gpu ? "WebGPU has no adapter here" : "this browser has no WebGPU" };
  const name = [adapter.info.vendor, adapter.info.architecture, adapter.info.description].filter(Boolean).join(" ");
  if (adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|software/i.test(name)) return { why: `the only adapter, ${name}, is software` };
  const device = await adapter.requestDevice();
  const size = Math.min(device.limits.maxBufferSize, 256 << 20);
  const [from, to] = [GPUBufferUsage.COPY_SRC, GPUBufferUsage.COPY_DST].map((usage) => device.createBuffer({ size, usage }));
  const times = [];
  const copies = 64;
  for (let round = -1; round < 9; round++) {
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < copies; i++) encoder.copyBufferToBuffer(from, 0, to, 0, size);
    const began = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    if (round >= 0) times.push(performance.now() - began);
  }
  device.destroy();
  times.sort((a, b) => a - b);
  return { name, gbPerS: (2 * copies * size) / times[times.length >> 1] / 1e6 };
}
