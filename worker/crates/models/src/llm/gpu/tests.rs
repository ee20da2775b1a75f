//! The kernels against plain arithmetic, at shapes that fill no tile.
#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::device::Gpu;
use super::matrix::{Goes, GpuMatrix, OnGpu, TILE};
use crate::gguf::Dtype;
use crate::llm::Store as _;
use crate::llm::matrix::tests::random;

/// Poll until it is done: natively, waiting for the device is blocking.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return out;
        }
    }
}

pub(super) fn gpu() -> Option<Arc<Gpu>> {
    match ready(Gpu::open()) {
        Ok(gpu) => Some(Arc::new(gpu)),
        Err(why) => {
            println!("not run: {why}");
            assert!(std::env::var_os("ALCOVE_GPU").is_none(), "ALCOVE_GPU says that there is one");
            None
        }
    }
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Run one kernel and read the numbers of a buffer.
fn run(
    gpu: &Gpu,
    kernel: &wgpu::ComputePipeline,
    buffers: &[&wgpu::Buffer],
    grid: [u32; 2],
    out: usize,
) -> Vec<f32> {
    let group = gpu.bind(kernel, buffers);
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(kernel);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(grid[0], grid[1], 1);
    }
    let bytes = buffers[out].size();
    let back = gpu.buffer(bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    encoder.copy_buffer_to_buffer(buffers[out], 0, &back, 0, bytes);
    gpu.queue.submit([encoder.finish()]);
    numbers(&ready(gpu.read(&back, bytes)).unwrap())
}

fn matrix(gpu: &Arc<Gpu>, dtype: Dtype, n: usize, k: usize, bytes: &[u8]) -> GpuMatrix {
    let store = OnGpu(gpu.clone());
    let mut matrix = store.matrix(dtype, n, k).unwrap();
    let rows = 8 * k / dtype.block_len() * dtype.block_bytes();
    bytes.chunks(rows).for_each(|rows| store.push(&mut matrix, rows));
    matrix
}

fn with_data(gpu: &Gpu, numbers: &[f32]) -> wgpu::Buffer {
    let buffer = gpu.room(numbers.len());
    gpu.queue.write_buffer(&buffer, 0, &numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    buffer
}

fn state(gpu: &Gpu, words: [u32; 2]) -> wgpu::Buffer {
    let buffer = gpu.buffer(8, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
    gpu.queue.write_buffer(&buffer, 0, &words.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    buffer
}

#[test]
fn rows_come_back_as_the_reference_decodes_them() {
    let Some(gpu) = gpu() else { return };
    for (seed, dtype) in (1..).zip(Dtype::ALL) {
        for (n, blocks) in [(1, 1), (5, 3), (33, 2)] {
            // An odd number of numbers where the format allows one.
            let k = if dtype.is_plain() { 13 * blocks } else { blocks * dtype.block_len() };
            let (bytes, expected) = random(dtype, n, k, seed * 77 + n as u64);
            let matrix = matrix(&gpu, dtype, n, k, &bytes);
            let tokens = gpu.room(n);
            let ids: Vec<u8> = (0..n as u32).rev().flat_map(u32::to_le_bytes).collect();
            gpu.queue.write_buffer(&tokens, 0, &ids);
            let buffers = [matrix.weights(), &tokens, &gpu.room(n * k)];
            let got = run(&gpu, &matrix.rows(), &buffers, [n as u32, 1], 2);
            for (row, expected) in got.chunks(k).rev().zip(expected.chunks(k)) {
                for (got, expected) in row.iter().zip(expected) {
                    // A device may fuse a product with a sum, and may take the smallest numbers for zero.
                    let off = (got - expected).abs();
                    assert!(off <= 2e-6 * expected.abs() + 1e-6, "{dtype} {n} x {k}: {got} not {expected}");
                }
            }
        }
    }
}

#[test]
fn products_are_those_of_the_numbers() {
    let Some(gpu) = gpu() else { return };
    for (seed, dtype) in (1..).zip(Dtype::ALL) {
        for (m, n, blocks, goes, has_bias) in [
            (1, 7, 1, Goes::Set, false),
            (1, 33, 3, Goes::Add, true),
            (3, 70, 2, Goes::Last, false),
            (2, 31, 1, Goes::Set, true),
            (35, 65, 2, Goes::Add, false),
        ] {
            let k = if dtype.is_plain() { 45 * blocks } else { blocks * dtype.block_len() };
            let (bytes, weights) = random(dtype, n, k, seed * 1000 + n as u64);
            let matrix = matrix(&gpu, dtype, n, k, &bytes);
            let x: Vec<f32> = (0..m * k).map(|i| ((i * 7919 + 13) % 2003) as f32 / 1000.0 - 1.0).collect();
            let bias: Vec<f32> = (0..n).map(|i| i as f32 * 0.125 - 2.0).collect();
            let before: Vec<f32> = (0..m * n).map(|i| (i % 17) as f32).collect();
            let out = with_data(&gpu, &before);
            let state = state(&gpu, [0, m as u32]);
            let x_buffer = with_data(&gpu, &x);
            let bias_buffer = with_data(&gpu, &bias);
            let buffers = [matrix.weights(), &x_buffer, &out, &state, &bias_buffer];
            let (kernel, grid) = if m == 1 || goes == Goes::Last {
                (matrix.single(has_bias, goes), [n.div_ceil(4) as u32, 1])
            } else {
                let grid = [(n as u32).div_ceil(TILE), (m as u32).div_ceil(TILE)];
                (matrix.tiled(has_bias, goes), grid)
            };
            let got = run(&gpu, &kernel, &buffers, grid, 2);
            let rows: Vec<usize> = if goes == Goes::Last { vec![m - 1] } else { (0..m).collect() };
            for (to, row) in rows.into_iter().enumerate() {
                for (column, weights) in weights.chunks(k).enumerate() {
                    let products = x[row * k..][..k].iter().zip(weights);
                    let products = products.map(|(x, w)| f64::from(*x) * f64::from(*w));
                    let (mut expected, size) =
                        products.fold((0.0, 0.0), |(sum, size), p| (sum + p, size + p.abs()));
                    if has_bias {
                        expected += f64::from(bias[column]);
                    }
                    if goes == Goes::Add {
                        expected += f64::from(before[to * n + column]);
                    }
                    let got = f64::from(got[to * n + column]);
                    let off = (got - expected).abs();
                    assert!(
                        off <= 3e-6 * size + 1e-4,
                        "{dtype} {m} x {n} x {k} {goes:?}: {got} not {expected}"
                    );
                }
            }
        }
    }
}
