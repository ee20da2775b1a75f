// A project for the stories: the engine crates of this repository as they stand.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { top } from "./alcove.mjs";

function walk(folder, into, base) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) walk(path, into, `${base}${name}/`);
    else if (/\.(rs|toml|md)$/.test(name)) into[`${base}${name}`] = readFileSync(path, "utf8");
  }
}

/** Paths and texts of some crates. */
export function crates(...names) {
  const files = {};
  for (const name of names) walk(join(top, "worker", "crates", name), files, `${name}/`);
  return files;
}
