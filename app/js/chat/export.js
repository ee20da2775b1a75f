// A conversation as Markdown.
import { label, place } from './mentions.js';

/** @typedef {import('./types').Turn} Turn */

/**
 * The turns that are on show, as a text that reads well without Alcove.
 * @param {string} title @param {Turn[]} turns @returns {string}
 */
export function asMarkdown(title, turns) {
  const parts = [`# ${line(title)}\n`];
  for (const turn of turns) {
    parts.push(`## ${line(turn.question)}\n`);
    // A question of several lines stands below its heading as it was typed.
    if (turn.question.trim().includes('\n')) parts.push(`${quote(turn.question.trim())}\n`);
    if (turn.mentions.length > 0) parts.push(`Asked about ${turn.mentions.map((mention) => code(label(mention))).join(', ')}.\n`);
    parts.push(`${turn.answer.trim() || ending(turn.end)}\n`);
    if (turn.answer.trim() && ending(turn.end)) parts.push(`*${ending(turn.end)}*\n`);
    const places = new Map(turn.citations.map((cited) => [place(cited.path, cited.start_line, cited.end_line), cited]));
    if (places.size > 0) {
      parts.push('Sources:\n');
      parts.push(`${[...places].map(([text, cited]) => `- ${code(text)}${cited.is_current ? '' : ' (changed since)'}`).join('\n')}\n`);
    }
    if (turn.model) parts.push(`Written by ${line(turn.model.model)} on this device, ${new Date(turn.asked_unix_ms).toISOString().slice(0, 10)}.\n`);
  }
  return parts.join('\n');
}

/** What is to be said of an answer's end; empty for one that is complete. @param {import('./types').End} end @returns {string} */
export function ending(end) {
  if (typeof end === 'object') return end.Failed;
  return {
    Complete: '',
    Length: 'The answer is longer than was allowed and ends here.',
    Circle: 'The model began to repeat itself, so the answer ends here.',
    Stopped: 'Stopped.',
    NothingFound: 'Nothing in the project is close enough to this question, so no answer was written.',
  }[end];
}

/** A name for the file. @param {string} title */
export function fileName(title) {
  const name = title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60);
  return `${name || 'conversation'}.md`;
}

const line = (/** @type {string} */ text) => (text.trim().split('\n')[0] ?? '').replaceAll(/([\\`*_[\]<>#])/g, '\\$1');
const quote = (/** @type {string} */ text) => text.replaceAll(/^/gm, '> ');
/** As code, whatever backticks are in it. @param {string} text */
function code(text) {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${text} ${fence}` : fence + text + fence;
}
