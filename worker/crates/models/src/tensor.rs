//! The encoder as burn tensors: WebGPU in the browser, and burn's CPU backend as the float32 reference of the tests.
//!
//! Batches are padded here, because a GPU wants few large operations; padding is masked out of attention and of the
//! mean. Lengths are rounded up, so that the GPU compiles few shapes.

use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use infer::{Embed, EmbedError, Steps};

use crate::{DenseWeights, LAYER_NORM_EPSILON, NormWeights, RunError, Shape, Weights};

/// Padded lengths are multiples of this.
const LENGTH_STEP: usize = 32;
/// Added to the score of a token that is not there.
const MASKED: f32 = -1e9;

/// `x · weight + bias` with the weight already transposed to `[k, n]`.
#[derive(Debug)]
struct Dense {
    weight: Tensor<2>,
    bias: Tensor<2>,
}

#[derive(Debug)]
struct Norm {
    scale: Tensor<2>,
    shift: Tensor<2>,
}

#[derive(Debug)]
struct Layer {
    qkv: Dense,
    mix: Dense,
    attention_norm: Norm,
    expand: Dense,
    contract: Dense,
    output_norm: Norm,
}

/// The encoder on a burn device.
#[derive(Debug)]
pub struct TensorEncoder {
    shape: Shape,
    device: Device,
    words: Tensor<2>,
    positions: Tensor<2>,
    embedding_norm: Norm,
    layers: Vec<Layer>,
}

/// A WebGPU device for burn, with the handle below it.
#[cfg(feature = "webgpu")]
#[derive(Debug)]
pub struct Gpu {
    /// What an encoder is made for.
    pub device: Device,
    raw: burn::tensor::wgpu::wgpu::Device,
}

#[cfg(feature = "webgpu")]
impl Gpu {
    /// Lose the device, as a driver reset does: whatever is under way or comes later fails with
    /// [`EmbedError::DeviceLost`]. For tests.
    pub fn destroy(&self) {
        self.raw.destroy();
    }
}

/// Set up WebGPU. Call once, before any tensor, and only after the adapter was found fit: the runtime panics on
/// adapters without timestamp queries.
///
/// # Errors
/// A phrase that says why there is no device.
#[cfg(feature = "webgpu")]
pub async fn webgpu() -> Result<Gpu, String> {
    let made = Device::wgpu_options().tasks_max(32).init_with_setup_async().await;
    let (device, setup) = made.map_err(|err| format!("the GPU could not be set up ({err})"))?;
    Ok(Gpu { device, raw: setup.device })
}

fn matrix(data: &[f32], rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(data.to_vec(), [rows, columns]), device)
}

impl Dense {
    fn new(weights: &DenseWeights, device: &Device) -> Self {
        let n = weights.bias.len();
        let k = weights.weight.len() / n;
        // Transposed here, so that the device reads it in the order in which it lies.
        let mut turned = vec![0.0; n * k];
        for (row, weights) in weights.weight.chunks_exact(k).enumerate() {
            for (column, &weight) in weights.iter().enumerate() {
                turned[column * n + row] = weight;
            }
        }
        Self { weight: matrix(&turned, k, n, device), bias: matrix(&weights.bias, 1, n, device) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.clone()) + self.bias.clone()
    }
}

impl Norm {
    fn new(weights: &NormWeights, device: &Device) -> Self {
        let n = weights.scale.len();
        Self { scale: matrix(&weights.scale, 1, n, device), shift: matrix(&weights.shift, 1, n, device) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let off = x.clone() - x.mean_dim(1);
        let variance = (off.clone() * off.clone()).mean_dim(1);
        off / (variance + LAYER_NORM_EPSILON).sqrt() * self.scale.clone() + self.shift.clone()
    }
}

impl TensorEncoder {
    /// Copy the weights to the device.
    #[must_use]
    pub fn new(weights: &Weights, device: Device) -> Self {
        let Shape { vocabulary, positions, hidden, .. } = weights.shape;
        let layers = weights
            .layers
            .iter()
            .map(|layer| Layer {
                qkv: Dense::new(&layer.qkv, &device),
                mix: Dense::new(&layer.mix, &device),
                attention_norm: Norm::new(&layer.attention_norm, &device),
                expand: Dense::new(&layer.expand, &device),
                contract: Dense::new(&layer.contract, &device),
                output_norm: Norm::new(&layer.output_norm, &device),
            })
            .collect();
        Self {
            shape: weights.shape,
            words: matrix(&weights.words, vocabulary, hidden, &device),
            positions: matrix(&weights.positions, positions, hidden, &device),
            embedding_norm: Norm::new(&weights.embedding_norm, &device),
            layers,
            device,
        }
    }

    /// Queue the whole forward pass; the result is read later.
    fn forward(&self, batch: &[&[u32]]) -> Result<Tensor<2>, RunError> {
        let Shape { vocabulary, positions, hidden, heads, .. } = self.shape;
        let longest = batch.iter().map(|ids| ids.len()).max().unwrap_or(0);
        if batch.iter().any(|ids| ids.is_empty()) {
            return Err(RunError::Empty);
        }
        if longest > positions {
            return Err(RunError::TooLong { len: longest, max: positions });
        }
        let (num, length) = (batch.len(), longest.next_multiple_of(LENGTH_STEP).min(positions));
        let mut ids = vec![0_i32; num * length];
        let mut there = vec![0.0_f32; num * length];
        for (row, text) in batch.iter().enumerate() {
            for (column, &id) in text.iter().enumerate() {
                if id as usize >= vocabulary {
                    return Err(RunError::UnknownToken { id, vocabulary });
                }
                ids[row * length + column] = id as i32;
                there[row * length + column] = 1.0;
            }
        }
        let device = &self.device;
        let ids: Tensor<1, Int> = Tensor::from_data(TensorData::new(ids, [num * length]), device);
        let mask: Vec<f32> = there.iter().map(|&x| if x > 0.0 { 0.0 } else { MASKED }).collect();
        let mask: Tensor<4> = Tensor::from_data(TensorData::new(mask, [num, 1, 1, length]), device);
        let there: Tensor<3> = Tensor::from_data(TensorData::new(there, [num, length, 1]), device);

        let places = self.positions.clone().slice([0..length, 0..hidden]).reshape([1, length, hidden]);
        let words = self.words.clone().select(0, ids).reshape([num, length, hidden]);
        let mut x = self.embedding_norm.forward((words + places).reshape([num * length, hidden]));
        let size = hidden / heads;
        let scale = 1.0 / (size as f32).sqrt();
        for layer in &self.layers {
            let qkv = layer.qkv.forward(x.clone());
            let part = |index: usize| {
                qkv.clone()
                    .slice([0..num * length, index * hidden..(index + 1) * hidden])
                    .reshape([num, length, heads, size])
                    .swap_dims(1, 2)
            };
            let scores = part(0).matmul(part(1).swap_dims(2, 3)) * scale + mask.clone();
            let context = softmax(scores, 3).matmul(part(2)).swap_dims(1, 2).reshape([num * length, hidden]);
            x = layer.attention_norm.forward(x + layer.mix.forward(context));
            let inner = gelu(layer.expand.forward(x.clone()));
            x = layer.output_norm.forward(x + layer.contract.forward(inner));
        }
        let sums = (x.reshape([num, length, hidden]) * there).sum_dim(1);
        Ok(sums.reshape([num, hidden]))
    }
}

impl Embed for TensorEncoder {
    fn dim(&self) -> usize {
        self.shape.hidden
    }

    async fn embed(&self, batch: &[&[u32]], steps: &impl Steps) -> Result<Vec<f32>, EmbedError> {
        let sums = self.forward(batch)?;
        steps.next().await;
        let lost = |err: &dyn std::fmt::Debug| {
            // The whole chain of causes with a backtrace goes over many lines, of which people get the first.
            let why = format!("{err:?}");
            EmbedError::DeviceLost(why.lines().next().unwrap_or_default().to_owned())
        };
        let data = sums.into_data_async().await.map_err(|err| lost(&err))?;
        let mut vectors: Vec<f32> = data.try_to_vec().map_err(|err| lost(&err))?;
        for vector in vectors.chunks_exact_mut(self.shape.hidden) {
            if vector.iter().any(|x| !x.is_finite()) {
                return Err(EmbedError::DeviceLost("its results are not numbers".into()));
            }
            crate::cpu::normalise_length(vector);
        }
        Ok(vectors)
    }
}
