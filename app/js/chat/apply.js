// Where code from an answer belongs in a file. The result is only ever proposed: a person sees what would change.

/**
 * The text of a file with the code in it: lines of the code that stand in the file exactly once say where, a definition
 * that begins with the same line is replaced as a whole, and code that nothing is known about goes to the caret.
 * @param {string} text @param {string} code
 * @param {[number, number][]} definitions first and last line of each, zero-based
 * @param {{start: number, end: number} | null} selection selected lines, or the line of the caret
 * @returns {{text: string, isPlaced: boolean}}
 */
export function withCode(text, code, definitions, selection) {
  const lines = text.split('\n');
  const fresh = code.replace(/\n+$/, '').split('\n');
  const put = (/** @type {number} */ start, /** @type {number} */ end, /** @type {string[]} */ added) => [...lines.slice(0, start), ...added, ...lines.slice(end)].join('\n');

  const where = lineNumbers(lines);
  const anchors = fresh.flatMap((line, at) => {
    const found = isTelling(line) ? where.get(line.trim()) : undefined;
    return found?.length === 1 ? [{ at, line: found[0] }] : [];
  });
  // A definition whose parameters changed begins with another line, but with the same name.
  const begins = fresh.findIndex((line) => line.trim() && !isAttached(line));
  const named = new Set(definitions.flatMap(([begin]) => (head(lines[begin] ?? '') === head(fresh[begins] ?? '') ? [begin] : [])));
  if (named.size === 1 && head(fresh[begins] ?? '') && anchors.every(({ at }) => at !== begins)) {
    anchors.push({ at: begins, line: [...named][0] });
    anchors.sort((a, b) => a.at - b.at);
  }
  const first = anchors[0];
  if (!first) {
    const isSelected = selection !== null && selection.end > selection.start;
    if (isSelected) return { text: put(selection.start, selection.end + 1, shifted(fresh, indent(lines[selection.start] ?? ''))), isPlaced: true };
    const at = Math.min(selection === null ? lines.length : selection.start + 1, lines.length);
    return { text: put(at, at, fresh), isPlaced: false };
  }
  // Later anchors count while they keep the order of the file.
  let last = first;
  for (const anchor of anchors) if (anchor.line > last.line) last = anchor;
  let [start, end] = [first.line, last.line + 1];
  const added = shifted(fresh, indent(lines[first.line]) - indent(fresh[first.at]), true);
  // The definition that the code begins with, behind what belongs to it above.
  const opening = anchors.find(({ at, line }) => fresh.slice(0, at).every((above) => !above.trim() || isAttached(above)) && definitions.some(([begin]) => begin === line));
  const whole = Math.max(...definitions.flatMap(([begin, stop]) => (begin === opening?.line ? [stop + 1] : [])));
  if (opening && whole >= end) {
    [start, end] = [opening.line, whole];
    // Comments and attributes that are in the code as well do not come twice.
    for (let at = opening.at - 1; at >= 0 && start > 0 && lines[start - 1].trim() === fresh[at].trim(); at -= 1) start -= 1;
  } else {
    for (let at = last.at + 1; at < fresh.length && end < lines.length && lines[end].trim() === fresh[at].trim(); at += 1) end += 1;
  }
  return { text: put(start, end, added), isPlaced: true };
}

/** Where each line stands, by what it says. @param {string[]} lines @returns {Map<string, number[]>} */
function lineNumbers(lines) {
  const where = new Map();
  lines.forEach((line, at) => {
    const key = line.trim();
    const known = where.get(key);
    if (known) known.push(at);
    else where.set(key, [at]);
  });
  return where;
}

/** A line with too few letters says nothing about where it belongs. @param {string} line */
const isTelling = (line) => /[\p{L}\p{N}_]{2}.*[\p{L}\p{N}_]{2}|[\p{L}\p{N}_]{4}/u.test(line);
/** What stands before the parameters, the type or the value. @param {string} line */
const head = (line) => /^[^(<:={]*[\p{L}\p{N}_$]/u.exec(line.trim())?.[0] ?? '';
/** A line that belongs to the definition below it: an attribute or a comment. @param {string} line */
const isAttached = (line) => /^\s*(?:\/\/|#|@|--|\*|\/\*)/.test(line);
const indent = (/** @type {string} */ line) => line.length - line.trimStart().length;

/**
 * Lines moved to another indentation, in the sign that they have themselves or blanks.
 * @param {string[]} lines @param {number} by @param {boolean} [relative]
 */
function shifted(lines, by, relative = false) {
  const filled = lines.filter((line) => line.trim());
  const least = Math.min(...filled.map(indent), 1e6);
  const move = Math.max(relative ? by : by - least, -least);
  const sign = filled.some((line) => line.startsWith('\t')) ? '\t' : ' ';
  return lines.map((line) => (!line.trim() ? line : move >= 0 ? sign.repeat(move) + line : line.slice(-move)));
}
