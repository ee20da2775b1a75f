// Which turns of a conversation are on show. Two turns that follow the same one are branches; of those a person has
// chosen one, and otherwise the latest is meant.

/** @typedef {import('./types').Turn} Turn */

/**
 * The turns on show, each with its place among its branches.
 * @param {Turn[]} turns in the order in which they were asked
 * @param {Record<string, string>} chosen the branch that a person wants after a turn; under '' that of the beginning
 * @returns {{turn: Turn, branches: string[]}[]}
 */
export function path(turns, chosen) {
  const known = new Set(turns.map((turn) => turn.id));
  /** @type {Map<string, Turn[]>} */
  const after = new Map();
  for (const turn of turns) {
    // What it follows may be gone; then it is a beginning.
    const key = turn.after !== null && turn.after !== turn.id && known.has(turn.after) ? turn.after : '';
    after.set(key, [...(after.get(key) ?? []), turn]);
  }
  const shown = [];
  const seen = new Set();
  for (let key = ''; ; ) {
    const branches = after.get(key) ?? [];
    const turn = branches.find((branch) => branch.id === chosen[key]) ?? branches.at(-1);
    // A ring cannot be made by asking, but a store can be damaged.
    if (!turn || seen.has(turn.id)) return shown;
    seen.add(turn.id);
    shown.push({ turn, branches: branches.map((branch) => branch.id) });
    key = turn.id;
  }
}
