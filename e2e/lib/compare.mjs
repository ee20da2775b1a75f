// How far two lists of numbers are from each other: the same measure in the stories and in the benchmark. The functions
// are whole by themselves, because the benchmark hands their text to its page.

/** The largest difference between two lists of the same length; NaN differs from everything. */
export function largestDifference(a, b) {
  if (a.length !== b.length || a.length === 0) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const off = Math.abs(a[i] - b[i]);
    if (!(off <= largest)) largest = Number.isNaN(off) ? Infinity : off;
  }
  return largest;
}

/** The limits of `embed_max_abs_err` in docs/benchmarks.json. */
export const MAX_ABS_ERR = { cpu: 1e-4, webgpu: 1e-3 };
