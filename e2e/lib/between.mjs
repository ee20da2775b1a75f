// A server between the browser and Alcove's own: it passes everything on, and answers itself where a story says so. The
// requests of workers do not reliably reach what Playwright can intercept.
import { createServer, request } from "node:http";

/**
 * @typedef {{ status?: number, headers?: Record<string, string | number>, body?: Uint8Array | string, hang?: boolean } | "pass" | "broken"} Answer
 * `broken` says nothing at all, `hang` leaves the connection open behind the body until `cut()` breaks it. Breaking it
 * right behind the body would say nothing about what arrived: a browser drops what it has not yet handed over.
 */

/** Start it in front of the server at `url`. */
export async function between(url) {
  /** @type {Map<string, (request: import("node:http").IncomingMessage, count: number) => Answer>} */
  const rules = new Map();
  /** @type {{ path: string, range: string | undefined, status: number }[]} */
  const seen = [];
  /** @type {Set<import("node:http").ServerResponse>} */
  const held = new Set();
  const target = new URL(url);
  const server = createServer((incoming, outgoing) => {
    const path = new URL(incoming.url ?? "/", url).pathname;
    const entry = { path, range: incoming.headers.range, status: 0 };
    seen.push(entry);
    const count = seen.filter((one) => one.path === path).length;
    const answer = rules.get(path)?.(incoming, count) ?? "pass";
    if (answer === "broken") {
      outgoing.destroy();
      return;
    }
    if (answer !== "pass") {
      const { status = 200, headers = {}, body = "", hang = false } = answer;
      entry.status = status;
      // The page's isolation asks for this of everything that it loads.
      outgoing.writeHead(status, { "cross-origin-resource-policy": "same-origin", ...headers });
      if (hang) {
        held.add(outgoing.on("close", () => held.delete(outgoing)));
        outgoing.write(body);
      } else outgoing.end(body);
      return;
    }
    const { host, ...headers } = incoming.headers;
    const onward = request({ host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers: { ...headers, host: target.host } }, (reply) => {
      entry.status = reply.statusCode ?? 0;
      outgoing.writeHead(entry.status, reply.headers);
      reply.pipe(outgoing);
      reply.on("error", () => outgoing.destroy());
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    rules,
    seen,
    /** Break every connection that an answer has left open. */
    cut: () => held.forEach((outgoing) => outgoing.destroy()),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
