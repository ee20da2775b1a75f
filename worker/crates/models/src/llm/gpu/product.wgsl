// Products with quantised weights: the blocks are decoded where they are multiplied, and nowhere kept as numbers.
// `K` columns, `N` rows, `ROW_WORDS` words of a row.

//@ product
struct State { position: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> state: State;
@group(0) @binding(4) var<storage, read> bias: array<f32>;

const UNITS = (K + 31u) / 32u;

fn put(row: u32, column: u32, sum: f32) {
  let at = row * N + column;
  var total = sum;
  if (HAS_BIAS) { total += bias[column]; }
  if (ADDS) { total += out[at]; }
  out[at] = total;
}
//@ single
// One row of the input: 16 lanes share a row of the weights, four rows a workgroup. With `LAST` it is the last row of a
// larger input, and the output has that row alone.
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let column = group.x * 4u + (thread >> 4u);
  let lane = thread & 15u;
  var start = 0u;
  if (LAST) { start = (state.rows - 1u) * K; }
  var sum = 0.0;
  if (column < N) {
    for (var unit = lane; unit < UNITS; unit += 16u) {
      decode(column * ROW_WORDS, unit);
      let at = start + unit * 32u;
      for (var i = 0u; i < 32u; i++) { sum += w[i] * x[at + i]; }
    }
  }
  sums[thread] = sum;
  workgroupBarrier();
  for (var half = 8u; half > 0u; half >>= 1u) {
    if (lane < half) { sums[thread] += sums[thread + half]; }
    workgroupBarrier();
  }
  if (lane == 0u && column < N) { put(0u, column, sums[thread]); }
}

//@ tiled
// Many rows of the input: tiles of 32 by 32, of which each of 64 threads makes 4 by 4. A unit of weights is decoded once
// for 32 rows.
var<workgroup> left: array<f32, 1024>;
var<workgroup> right: array<f32, 1024>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first_column = group.x * 32u;
  let first_row = group.y * 32u;
  let a = (thread & 7u) * 4u;
  let b = (thread >> 3u) * 4u;
  var sums: array<vec4<f32>, 4>;
  for (var unit = 0u; unit < UNITS; unit++) {
    if (thread < 32u) {
      let column = first_column + thread;
      decode(min(column, N - 1u) * ROW_WORDS, unit);
      for (var i = 0u; i < 32u; i++) { right[i * 32u + thread] = w[i]; }
    }
    for (var i = thread; i < 1024u; i += 64u) {
      let row = first_row + (i >> 5u);
      let column = unit * 32u + (i & 31u);
      var value = 0.0;
      if (row < state.rows && column < K) { value = x[row * K + column]; }
      left[(i & 31u) * 32u + (i >> 5u)] = value;
    }
    workgroupBarrier();
    for (var i = 0u; i < 32u; i++) {
      let at = i * 32u;
      let columns = vec4<f32>(right[at + a], right[at + a + 1u], right[at + a + 2u], right[at + a + 3u]);
      for (var r = 0u; r < 4u; r++) { sums[r] += columns * left[at + b + r]; }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + b + r;
    for (var c = 0u; c < 4u; c++) {
      let column = first_column + a + c;
      if (row < state.rows && column < N) { put(row, column, sums[r][c]); }
    }
  }
}
//@ rows
// The numbers of some rows of the weights, one for each token.
@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let token = min(tokens[group.x], N - 1u);
  for (var unit = thread; unit < (K + 31u) / 32u; unit += 64u) {
    decode(token * ROW_WORDS, unit);
    for (var i = 0u; i < 32u; i++) {
      let column = unit * 32u + i;
      if (column < K) { out[group.x * K + column] = w[i]; }
    }
  }
}
