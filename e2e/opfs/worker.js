// Runs one check of the built module and posts what came of it.
import init, * as checks from "/module/opfs.js";

self.onmessage = async ({ data: { name, args } }) => {
  try {
    await init({ module_or_path: "/module/opfs_bg.wasm" });
    const given = args.map((arg) => (arg === "POST" ? (value) => self.postMessage({ value }) : arg));
    self.postMessage({ done: await checks[name](...given) });
  } catch (err) {
    self.postMessage({ failed: String(err?.stack ?? err) });
  }
};
