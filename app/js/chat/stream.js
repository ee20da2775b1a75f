// Where a growing Markdown text can be cut so that what stands before never changes again.

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** What goes on with a block in spite of an empty line: indented lines, and items of a list. */
const GOES_ON = /^(?:[ \t]|[-+*](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$))/;

/**
 * The end of the finished blocks of a text: everything before is complete whatever is written next.
 * @param {string} text @param {number} [from] where a block begins, as given before @returns {number}
 */
export function finished(text, from = 0) {
  let done = from;
  /** The mark that ends the code block that is open. */
  let fence = '';
  /** Where the block ends that an empty line may have ended. */
  let blank = -1;
  for (let at = from; at < text.length; ) {
    const end = text.indexOf('\n', at);
    // The last line may still become something else.
    if (end < 0) break;
    const line = text.slice(at, end);
    at = end + 1;
    const mark = FENCE.exec(line)?.[1] ?? '';
    if (fence) {
      // Only a line of nothing but the mark ends the code.
      if (mark.startsWith(fence) && line.trim() === mark) {
        fence = '';
        done = at;
      }
      continue;
    }
    if (line.trim() === '') {
      blank = at;
      continue;
    }
    if (blank >= 0 && !GOES_ON.test(line)) done = blank;
    blank = -1;
    if (mark) fence = mark;
  }
  return done;
}
