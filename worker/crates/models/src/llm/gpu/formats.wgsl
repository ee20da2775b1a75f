// Stored blocks to numbers. Every format gives `decode(row, unit)`, which puts the 32 numbers of a unit of a row into `w`.
// A row begins at a whole word; within it blocks begin at even bytes. The order of operations is that of
// `gguf/dequantise.rs`.

var<private> w: array<f32, 32>;

// The four bytes from an even byte of a row on.
fn word(row: u32, byte: u32) -> u32 {
  let at = row + (byte >> 2u);
  let low = weights[at];
  if ((byte & 2u) == 0u) { return low; }
  return (low >> 16u) | (weights[at + 1u] << 16u);
}

// The half-precision number at an even byte of a row.
fn half_at(row: u32, byte: u32) -> f32 {
  return unpack2x16float((weights[row + (byte >> 2u)] >> ((byte & 2u) * 8u)) & 0xffffu).x;
}

// Scale and offset of a group of eight: six bits each, packed into twelve bytes.
fn scale_and_offset(row: u32, at: u32, group: u32) -> vec2<f32> {
  let shift = 8u * (group & 3u);
  let low = word(row, at) >> shift;
  let middle = word(row, at + 4u) >> shift;
  if (group < 4u) { return vec2<f32>(f32(low & 63u), f32(middle & 63u)); }
  let high = word(row, at + 8u) >> shift;
  return vec2<f32>(f32((high & 15u) | ((low >> 2u) & 48u)), f32(((high >> 4u) & 15u) | ((middle >> 2u) & 48u)));
}

//@ F32
fn decode(row: u32, unit: u32) {
  for (var i = 0u; i < 32u; i++) {
    let column = unit * 32u + i;
    w[i] = select(0.0, bitcast<f32>(weights[row + min(column, K - 1u)]), column < K);
  }
}
//@ F16
fn decode(row: u32, unit: u32) {
  for (var i = 0u; i < 32u; i++) {
    let column = unit * 32u + i;
    w[i] = select(0.0, half_at(row, 2u * min(column, K - 1u)), column < K);
  }
}
//@ BF16
fn decode(row: u32, unit: u32) {
  for (var i = 0u; i < 32u; i++) {
    let column = unit * 32u + i;
    let at = min(column, K - 1u);
    let bits = (weights[row + (at >> 1u)] >> ((at & 1u) * 16u)) << 16u;
    w[i] = select(0.0, bitcast<f32>(bits), column < K);
  }
}
//@ Q4_0
fn decode(row: u32, unit: u32) {
  let block = unit * 18u;
  let scale = half_at(row, block);
  for (var j = 0u; j < 4u; j++) {
    let codes = word(row, block + 2u + 4u * j);
    for (var i = 0u; i < 4u; i++) {
      w[4u * j + i] = scale * (f32((codes >> (8u * i)) & 15u) - 8.0);
      w[16u + 4u * j + i] = scale * (f32((codes >> (8u * i + 4u)) & 15u) - 8.0);
    }
  }
}
//@ Q4_1
fn decode(row: u32, unit: u32) {
  let block = unit * 20u;
  let head = unpack2x16float(word(row, block));
  for (var j = 0u; j < 4u; j++) {
    let codes = word(row, block + 4u + 4u * j);
    for (var i = 0u; i < 4u; i++) {
      w[4u * j + i] = head.x * f32((codes >> (8u * i)) & 15u) + head.y;
      w[16u + 4u * j + i] = head.x * f32((codes >> (8u * i + 4u)) & 15u) + head.y;
    }
  }
}
//@ Q5_0
fn decode(row: u32, unit: u32) {
  let block = unit * 22u;
  let scale = half_at(row, block);
  let high = word(row, block + 2u);
  for (var j = 0u; j < 4u; j++) {
    let codes = word(row, block + 6u + 4u * j);
    for (var i = 0u; i < 4u; i++) {
      let at = 4u * j + i;
      w[at] = scale * (f32(((codes >> (8u * i)) & 15u) | (((high >> at) & 1u) << 4u)) - 16.0);
      w[16u + at] = scale * (f32(((codes >> (8u * i + 4u)) & 15u) | (((high >> (16u + at)) & 1u) << 4u)) - 16.0);
    }
  }
}
//@ Q5_1
fn decode(row: u32, unit: u32) {
  let block = unit * 24u;
  let head = unpack2x16float(word(row, block));
  let high = word(row, block + 4u);
  for (var j = 0u; j < 4u; j++) {
    let codes = word(row, block + 8u + 4u * j);
    for (var i = 0u; i < 4u; i++) {
      let at = 4u * j + i;
      w[at] = head.x * f32(((codes >> (8u * i)) & 15u) | (((high >> at) & 1u) << 4u)) + head.y;
      w[16u + at] = head.x * f32(((codes >> (8u * i + 4u)) & 15u) | (((high >> (16u + at)) & 1u) << 4u)) + head.y;
    }
  }
}
//@ Q8_0
fn decode(row: u32, unit: u32) {
  let block = unit * 34u;
  let scale = half_at(row, block);
  for (var j = 0u; j < 8u; j++) {
    let codes = word(row, block + 2u + 4u * j);
    for (var i = 0u; i < 4u; i++) {
      w[4u * j + i] = f32(bitcast<i32>(codes << (24u - 8u * i)) >> 24u) * scale;
    }
  }
}
//@ Q4_K
fn decode(row: u32, unit: u32) {
  let block = (unit >> 3u) * 144u;
  let group = unit & 7u;
  let head = unpack2x16float(word(row, block)) * scale_and_offset(row, block + 4u, group);
  let shift = (group & 1u) * 4u;
  for (var j = 0u; j < 8u; j++) {
    let codes = word(row, block + 16u + (group >> 1u) * 32u + 4u * j) >> shift;
    for (var i = 0u; i < 4u; i++) {
      w[4u * j + i] = head.x * f32((codes >> (8u * i)) & 15u) - head.y;
    }
  }
}
//@ Q5_K
fn decode(row: u32, unit: u32) {
  let block = (unit >> 3u) * 176u;
  let group = unit & 7u;
  let head = unpack2x16float(word(row, block)) * scale_and_offset(row, block + 4u, group);
  let shift = (group & 1u) * 4u;
  for (var j = 0u; j < 8u; j++) {
    let codes = word(row, block + 48u + (group >> 1u) * 32u + 4u * j) >> shift;
    let high = word(row, block + 16u + 4u * j) >> group;
    for (var i = 0u; i < 4u; i++) {
      w[4u * j + i] = head.x * f32(((codes >> (8u * i)) & 15u) | (((high >> (8u * i)) & 1u) << 4u)) - head.y;
    }
  }
}
//@ Q6_K
fn decode(row: u32, unit: u32) {
  let block = (unit >> 3u) * 210u;
  let group = unit & 7u;
  let part = group >> 2u;
  let quarter = group & 3u;
  let scale = half_at(row, block + 208u);
  let scales = word(row, block + 192u + 2u * group);
  for (var j = 0u; j < 8u; j++) {
    let low = word(row, block + part * 64u + (quarter & 1u) * 32u + 4u * j) >> ((quarter >> 1u) * 4u);
    let high = word(row, block + 128u + part * 32u + 4u * j) >> (quarter * 2u);
    let step = scale * f32(bitcast<i32>(scales << (24u - 8u * (j >> 2u))) >> 24u);
    for (var i = 0u; i < 4u; i++) {
      let code = ((low >> (8u * i)) & 15u) | (((high >> (8u * i)) & 3u) << 4u);
      w[4u * j + i] = step * (f32(code) - 32.0);
    }
  }
}
