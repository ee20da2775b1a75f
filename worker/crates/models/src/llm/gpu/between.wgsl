// What lies between the products. Each kernel stands alone, with the constants that it names put before it.

struct State { position: u32, rows: u32 }

//@ norm
// x / root(mean(x²) + EPSILON) * scale, a workgroup for each row of `LEN` numbers.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let start = group.x * LEN;
  var sum = 0.0;
  for (var i = thread; i < LEN; i += 64u) { sum += x[start + i] * x[start + i]; }
  sums[thread] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (thread < half) { sums[thread] += sums[thread + half]; }
    workgroupBarrier();
  }
  let factor = 1.0 / sqrt(sums[0] / f32(LEN) + EPSILON);
  for (var i = thread; i < LEN; i += 64u) { out[start + i] = x[start + i] * factor * scale[i]; }
}
//@ turn
// Rotary positions of the queries, in place: rows of `LEN` numbers in heads of `HEAD`, of which `PAIRS` pairs turn.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(2) var<uniform> state: State;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  const PER_ROW = LEN / HEAD * PAIRS;
  let row = id.y;
  if (id.x >= PER_ROW || row >= state.rows) { return; }
  let pair = id.x % PAIRS;
  let head = row * LEN + id.x / PAIRS * HEAD;
  var a = head + pair;
  var b = a + PAIRS;
  if (ADJACENT) { a = head + 2u * pair; b = a + 1u; }
  let angle = angles[row * PAIRS + pair];
  let p = x[a];
  let q = x[b];
  x[a] = p * angle.x - q * angle.y;
  x[b] = p * angle.y + q * angle.x;
}
//@ keep
// Keys, turned, and values into the cache: rows of `LEN` numbers, from the state's position on.
@group(0) @binding(0) var<storage, read> key: array<f32>;
@group(0) @binding(1) var<storage, read> value: array<f32>;
@group(0) @binding(2) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(3) var<uniform> state: State;
@group(0) @binding(4) var<storage, read_write> keys: array<f32>;
@group(0) @binding(5) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.y;
  if (id.x >= LEN || row >= state.rows) { return; }
  let start = row * LEN + id.x;
  let to = (state.position + row) * LEN + id.x;
  values[to] = value[start];
  let at = id.x % HEAD;
  let head = start - at;
  var turned = key[start];
  if (at < 2u * PAIRS) {
    var pair = at % PAIRS;
    var is_second = at >= PAIRS;
    var a = pair;
    var b = pair + PAIRS;
    if (ADJACENT) { pair = at / 2u; is_second = (at & 1u) == 1u; a = 2u * pair; b = a + 1u; }
    let angle = angles[row * PAIRS + pair];
    let p = key[head + a];
    let q = key[head + b];
    turned = select(p * angle.x - q * angle.y, p * angle.y + q * angle.x, is_second);
  }
  keys[to] = turned;
}
//@ attend
// Attention of one head of one row over all positions up to its own, 64 at a time with a running maximum, so that the
// scores of a long text are never kept (Dao et al. 2022). `KEY_LEN` numbers of a position in the cache, `GROUP` heads
// that share keys and values.
@group(0) @binding(0) var<storage, read> query: array<f32>;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> state: State;
var<workgroup> q: array<f32, HEAD>;
var<workgroup> scores: array<f32, 64>;

const OWN = (HEAD + 63u) / 64u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.y * LEN + group.x * HEAD;
  let head = group.x / GROUP * HEAD;
  let limit = state.position + group.y + 1u;
  for (var i = thread; i < HEAD; i += 64u) { q[i] = query[row + i] * SCALE; }
  var highest = -1.0e30;
  var total = 0.0;
  var sums: array<f32, OWN>;
  for (var i = 0u; i < OWN; i++) { sums[i] = 0.0; }
  for (var first = 0u; first < limit; first += 64u) {
    let num = min(64u, limit - first);
    workgroupBarrier();
    var score = -1.0e30;
    if (thread < num) {
      let key = (first + thread) * KEY_LEN + head;
      score = 0.0;
      for (var i = 0u; i < HEAD; i++) { score += q[i] * keys[key + i]; }
    }
    scores[thread] = score;
    workgroupBarrier();
    var higher = highest;
    for (var i = 0u; i < num; i++) { higher = max(higher, scores[i]); }
    let shrink = exp(highest - higher);
    highest = higher;
    total *= shrink;
    for (var i = 0u; i < OWN; i++) { sums[i] *= shrink; }
    for (var i = 0u; i < num; i++) {
      let share = exp(scores[i] - higher);
      total += share;
      let value = (first + i) * KEY_LEN + head + thread;
      for (var j = 0u; j < OWN; j++) {
        if (thread + 64u * j < HEAD) { sums[j] += share * values[value + 64u * j]; }
      }
    }
  }
  for (var j = 0u; j < OWN; j++) {
    let at = thread + 64u * j;
    if (at < HEAD) { out[row + at] = sums[j] / total; }
  }
}
//@ gate
// up · gate · sigmoid(gate), into `gate`; `LEN` numbers in a row.
@group(0) @binding(0) var<storage, read_write> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<uniform> state: State;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= LEN || id.y >= state.rows) { return; }
  let at = id.y * LEN + id.x;
  let x = gate[at];
  gate[at] = x / (1.0 + exp(-x)) * up[at];
}
//@ largest
// Token and logit of the likeliest of `LEN` tokens; of equal ones the first. What is not finite does not count, and is
// told by its bits, because a compiler may take every number for finite. With none, the token is `LEN`.
@group(0) @binding(0) var<storage, read> logits: array<u32>;
@group(0) @binding(1) var<storage, read_write> chosen: array<u32>;
var<workgroup> best: array<f32, 256>;
var<workgroup> which: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  var own = -3.4e38;
  var token = LEN;
  for (var i = thread; i < LEN; i += 256u) {
    let bits = logits[i];
    if ((bits & 0x7f800000u) == 0x7f800000u) { continue; }
    let logit = bitcast<f32>(bits);
    if (logit > own || token == LEN) { own = logit; token = i; }
  }
  best[thread] = own;
  which[thread] = token;
  workgroupBarrier();
  for (var half = 128u; half > 0u; half >>= 1u) {
    if (thread < half) {
      let other = thread + half;
      let is_better = best[other] > best[thread] || (best[other] == best[thread] && which[other] < which[thread]);
      if (which[other] < LEN && (which[thread] == LEN || is_better)) {
        best[thread] = best[other];
        which[thread] = which[other];
      }
    }
    workgroupBarrier();
  }
  if (thread == 0u) { chosen[0] = which[0]; chosen[1] = bitcast<u32>(best[0]); }
}
//@ bin
// The bin of a logit, counted from the largest down, `PER_BIN` for a difference of one; `BINS` for what lies below them
// all or is not finite. Both by their bits.
fn bin_of(bits: u32, largest: u32) -> u32 {
  if ((bits & 0x7f800000u) == 0x7f800000u) { return BINS; }
  let below = (bitcast<f32>(largest) - bitcast<f32>(bits)) * PER_BIN;
  if (below < f32(BINS)) { return u32(below); }
  return BINS;
}
//@ count
// How many logits lie in each of `BINS` bins below the largest.
@group(0) @binding(0) var<storage, read> logits: array<u32>;
@group(0) @binding(1) var<storage, read> chosen: array<u32>;
@group(0) @binding(2) var<storage, read_write> bins: array<atomic<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= LEN) { return; }
  let bin = bin_of(logits[id.x], chosen[1]);
  if (bin < BINS) { atomicAdd(&bins[bin], 1u); }
}
//@ reach
// How many bins, from the top on, hold as many logits as are wanted: into the second word of `found`, where there are so
// many. Each of 256 threads has `OWN` bins.
@group(0) @binding(0) var<storage, read> bins: array<u32>;
@group(0) @binding(1) var<uniform> wanted: vec4<u32>;
@group(0) @binding(2) var<storage, read_write> found: array<u32>;
var<workgroup> sums: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  var own = 0u;
  for (var i = 0u; i < OWN; i++) { own += bins[thread * OWN + i]; }
  sums[thread] = own;
  workgroupBarrier();
  for (var span = 1u; span < 256u; span <<= 1u) {
    var before = 0u;
    if (thread >= span) { before = sums[thread - span]; }
    workgroupBarrier();
    sums[thread] += before;
    workgroupBarrier();
  }
  var sum = sums[thread] - own;
  if (sum >= wanted.x || sums[thread] < wanted.x) { return; }
  for (var i = 0u; i < OWN; i++) {
    sum += bins[thread * OWN + i];
    if (sum >= wanted.x) {
      found[1] = thread * OWN + i + 1u;
      return;
    }
  }
}
//@ collect
// Tokens and logits of those bins, at most `MOST`, into `found` behind their number and that of the bins.
@group(0) @binding(0) var<storage, read> logits: array<u32>;
@group(0) @binding(1) var<storage, read> chosen: array<u32>;
@group(0) @binding(2) var<storage, read_write> found: array<atomic<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= LEN) { return; }
  let bits = logits[id.x];
  if (bin_of(bits, chosen[1]) >= atomicLoad(&found[1])) { return; }
  let at = atomicAdd(&found[0], 1u);
  if (at < MOST) {
    atomicStore(&found[2u + 2u * at], id.x);
    atomicStore(&found[3u + 2u * at], bits);
  }
}
