//! The kernels of a network in the order in which they run, bound once to the buffers of a text: a token then costs one
//! submission and no look at the model.

use super::device::{Gpu, section};
use super::few::Few;
use super::matrix::{Goes, GpuMatrix, TILE};
use super::network::GpuNetwork;
use crate::gguf::RopePairs;
use crate::llm::network::Projection;

pub(super) const BETWEEN: &str = include_str!("between.wgsl");
/// Threads of a workgroup that take one number each.
const THREADS: usize = 64;

/// How many workgroups there are for some rows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grid {
    /// So many, however many rows.
    Fixed(u32),
    /// One for each row.
    Row,
    /// So many for each row.
    PerRow(u32),
    /// So many for each tile of rows.
    Tiles(u32),
}

/// A kernel with its buffers.
#[derive(Debug)]
pub(super) struct Run {
    kernel: wgpu::ComputePipeline,
    buffers: wgpu::BindGroup,
    grid: Grid,
}

impl Run {
    pub fn new(gpu: &Gpu, kernel: wgpu::ComputePipeline, buffers: &[&wgpu::Buffer], grid: Grid) -> Self {
        Self { buffers: gpu.bind(&kernel, buffers), kernel, grid }
    }

    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>, rows: u32) {
        pass.set_pipeline(&self.kernel);
        pass.set_bind_group(0, &self.buffers, &[]);
        match self.grid {
            Grid::Fixed(num) => pass.dispatch_workgroups(num, 1, 1),
            Grid::Row => pass.dispatch_workgroups(rows, 1, 1),
            Grid::PerRow(num) => pass.dispatch_workgroups(num, rows, 1),
            Grid::Tiles(num) => pass.dispatch_workgroups(num, rows.div_ceil(TILE), 1),
        }
    }
}

/// A kernel, or one for a single row and another for more.
#[derive(Debug)]
enum Step {
    Same(Run),
    Product { single: Run, tiled: Run },
}

impl Step {
    fn encode(&self, pass: &mut wgpu::ComputePass<'_>, rows: u32) {
        match self {
            Self::Same(run) => run.encode(pass, rows),
            Self::Product { single, .. } if rows == 1 => single.encode(pass, rows),
            Self::Product { tiled, .. } => tiled.encode(pass, rows),
        }
    }
}

/// Numbers between the kernels, for up to [`Room::rows`] tokens at a time, and what comes from outside.
#[derive(Debug)]
pub struct Room {
    /// Position and number of the rows.
    pub state: wgpu::Buffer,
    /// Ids of the rows.
    pub tokens: wgpu::Buffer,
    /// Cosine and sine of each pair for each row.
    pub angles: wgpu::Buffer,
    /// Logits that follow the last row.
    pub logits: wgpu::Buffer,
    /// Token and logit of the likeliest.
    pub chosen: wgpu::Buffer,
    stream: wgpu::Buffer,
    normed: wgpu::Buffer,
    query: wgpu::Buffer,
    key: wgpu::Buffer,
    value: wgpu::Buffer,
    mixed: wgpu::Buffer,
    gate: wgpu::Buffer,
    up: wgpu::Buffer,
    /// Bound where a matrix has no bias.
    none: wgpu::Buffer,
}

impl Room {
    /// Room for `rows` tokens.
    pub fn new(network: &GpuNetwork, rows: usize) -> Self {
        use wgpu::BufferUsages as Use;
        let (gpu, config) = (&network.gpu, network.config());
        let room = |numbers: usize| gpu.room(rows * numbers);
        Self {
            state: gpu.buffer(8, Use::UNIFORM | Use::COPY_DST),
            tokens: room(1),
            angles: room(config.rope_dims),
            logits: gpu.room(config.vocab),
            chosen: gpu.room(2),
            stream: room(config.embedding_length),
            normed: room(config.embedding_length),
            query: room(config.q_len()),
            key: room(config.kv_len()),
            value: room(config.kv_len()),
            mixed: room(config.q_len()),
            gate: room(config.feed_forward_length),
            up: room(config.feed_forward_length),
            none: gpu.room(1),
        }
    }
}

/// Keys and values of a layer.
#[derive(Debug)]
pub struct Kept {
    /// A row of `kv_len` numbers for each position.
    pub keys: wgpu::Buffer,
    /// Likewise.
    pub values: wgpu::Buffer,
}

/// All kernels of a text under way.
#[derive(Debug)]
pub struct Plan {
    layers: Vec<Step>,
    head: Vec<Step>,
    largest: Step,
    few: Few,
}

impl Plan {
    /// Bind the kernels of `network` to `room` and `cache`.
    pub fn new(network: &GpuNetwork, room: &Room, cache: &[Kept]) -> Self {
        let mut layers = vec![network.embed(room)];
        for (index, kept) in cache.iter().enumerate() {
            network.layer(index, room, kept, &mut layers);
        }
        let (head, largest) = network.head(room);
        Self { layers, head, largest, few: Few::new(network, room) }
    }

    /// The kernels that find the likeliest tokens.
    pub fn few(&self) -> &Few {
        &self.few
    }

    /// Encode all layers for `rows` tokens, and with `logits` what gives those, and the largest of them.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>, rows: u32, logits: bool) {
        self.layers.iter().for_each(|step| step.encode(pass, rows));
        if logits {
            self.head.iter().for_each(|step| step.encode(pass, rows));
            self.largest.encode(pass, rows);
        }
    }
}

fn groups(numbers: usize) -> u32 {
    numbers.div_ceil(THREADS) as u32
}

/// A kernel that is no product, with the constants that it names.
pub(super) fn source(name: &str, constants: &str) -> String {
    let shared = BETWEEN.split("//@ ").next().unwrap_or_default();
    format!("{shared}{constants}{}", section(BETWEEN, name))
}

impl GpuNetwork {
    fn kernel(&self, name: &str, constants: &str) -> wgpu::ComputePipeline {
        self.gpu.kernel(source(name, constants))
    }

    fn embed(&self, room: &Room) -> Step {
        let matrix = &self.network.embedding;
        let buffers = [matrix.weights(), &room.tokens, &room.stream];
        Step::Same(Run::new(&self.gpu, matrix.rows(), &buffers, Grid::Row))
    }

    fn norm(&self, room: &Room, scale: &wgpu::Buffer) -> Step {
        let config = self.config();
        let constants =
            format!("const LEN = {}u;\nconst EPSILON = {:?};\n", config.embedding_length, config.rms_epsilon);
        let buffers = [&room.stream, scale, &room.normed];
        Step::Same(Run::new(&self.gpu, self.kernel("norm", &constants), &buffers, Grid::Row))
    }

    fn product(
        &self,
        room: &Room,
        (matrix, bias): (&GpuMatrix, Option<&wgpu::Buffer>),
        from: &wgpu::Buffer,
        to: &wgpu::Buffer,
        goes: Goes,
    ) -> Step {
        let has_bias = bias.is_some();
        let buffers = [matrix.weights(), from, to, &room.state, bias.unwrap_or(&room.none)];
        let single = matrix.single(has_bias, goes);
        let single = Run::new(&self.gpu, single, &buffers, Grid::Fixed(matrix.n().div_ceil(4) as u32));
        if goes == Goes::Last {
            return Step::Same(single);
        }
        let tiled = matrix.tiled(has_bias, goes);
        let grid = Grid::Tiles((matrix.n() as u32).div_ceil(TILE));
        Step::Product { single, tiled: Run::new(&self.gpu, tiled, &buffers, grid) }
    }

    fn layer(&self, index: usize, room: &Room, kept: &Kept, steps: &mut Vec<Step>) {
        let (gpu, config, block) = (&self.gpu, self.config(), &self.network.blocks[index]);
        let vectors = &self.vectors[index];
        let adjacent = config.rope_pairs == RopePairs::Adjacent;
        let (head, pairs, kv_len, q_len) =
            (config.head_dim, config.rope_dims / 2, config.kv_len(), config.q_len());
        let rope = |len: usize| {
            format!(
                "const LEN = {len}u;\nconst HEAD = {head}u;\nconst PAIRS = {pairs}u;\nconst ADJACENT = {adjacent};\n"
            )
        };
        let projection = |projection: &Projection<GpuMatrix>, bias: usize, to: &wgpu::Buffer| {
            let bias = vectors.biases.get(bias);
            self.product(room, (&projection.weight, bias), &room.normed, to, Goes::Set)
        };
        steps.push(self.norm(room, &vectors.attn_norm));
        steps.push(projection(&block.query, 0, &room.query));
        steps.push(projection(&block.key, 1, &room.key));
        steps.push(projection(&block.value, 2, &room.value));
        let turn = self.kernel("turn", &rope(q_len));
        let buffers = [&room.query, &room.angles, &room.state];
        let grid = Grid::PerRow(groups(q_len / head * pairs));
        steps.push(Step::Same(Run::new(gpu, turn, &buffers, grid)));
        let keep = self.kernel("keep", &rope(kv_len));
        let buffers = [&room.key, &room.value, &room.angles, &room.state, &kept.keys, &kept.values];
        steps.push(Step::Same(Run::new(gpu, keep, &buffers, Grid::PerRow(groups(kv_len)))));
        let attend = self.kernel(
            "attend",
            &format!(
                "const LEN = {q_len}u;\nconst HEAD = {head}u;\nconst KEY_LEN = {kv_len}u;\nconst GROUP = {}u;\n\
                 const SCALE = {:?};\n",
                config.head_count / config.head_count_kv,
                1.0 / (head as f32).sqrt()
            ),
        );
        let buffers = [&room.query, &kept.keys, &kept.values, &room.mixed, &room.state];
        steps.push(Step::Same(Run::new(gpu, attend, &buffers, Grid::PerRow(config.head_count as u32))));
        let plain = |matrix, from, to, goes| self.product(room, (matrix, None), from, to, goes);
        steps.push(plain(&block.attn_output, &room.mixed, &room.stream, Goes::Add));
        steps.push(self.norm(room, &vectors.ffn_norm));
        steps.push(plain(&block.gate, &room.normed, &room.gate, Goes::Set));
        steps.push(plain(&block.up, &room.normed, &room.up, Goes::Set));
        let len = config.feed_forward_length;
        let gate = self.kernel("gate", &format!("const LEN = {len}u;\n"));
        let buffers = [&room.gate, &room.up, &room.state];
        steps.push(Step::Same(Run::new(gpu, gate, &buffers, Grid::PerRow(groups(len)))));
        steps.push(plain(&block.down, &room.gate, &room.stream, Goes::Add));
    }

    fn head(&self, room: &Room) -> (Vec<Step>, Step) {
        let output = self.network.output.as_ref().unwrap_or(&self.network.embedding);
        let norm = self.norm(room, &self.output_norm);
        let logits = self.product(room, (output, None), &room.normed, &room.logits, Goes::Last);
        let largest = self.kernel("largest", &format!("const LEN = {}u;\n", self.config().vocab));
        let buffers = [&room.logits, &room.chosen];
        (vec![norm, logits], Step::Same(Run::new(&self.gpu, largest, &buffers, Grid::Fixed(1))))
    }
}
