//! A GPU device of one's own, and what is asked of it: buffers, kernels, and waiting for what it computes.
//!
//! Works with what every WebGPU device has: no subgroups, no half-precision arithmetic, at most 256 threads in a
//! workgroup.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::channel::oneshot;
use thiserror::Error;
use wgpu::util::DeviceExt as _;

/// Why a GPU is not used, or no longer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuError {
    /// There is none, or none that is fit.
    #[error("the GPU is not used: {0}")]
    Missing(String),
    /// It computes something else than the processor.
    #[error("the GPU computes wrong numbers: {0}")]
    Wrong(String),
    /// The device failed or is gone.
    #[error("the GPU failed: {0}")]
    Lost(String),
}

/// A device.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// It computes on the processor.
    pub is_software: bool,
    kernels: Mutex<HashMap<String, wgpu::ComputePipeline>>,
    trouble: Arc<Mutex<Option<String>>>,
    #[cfg(test)]
    spoilt: Mutex<Option<(&'static str, &'static str)>>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing that holds one of these locks can panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpu {
    /// Open the device that the host offers first.
    ///
    /// # Errors
    /// [`GpuError::Missing`] says why there is none.
    pub async fn open() -> Result<Self, GpuError> {
        let missing = |why: String| GpuError::Missing(why);
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance.request_adapter(&options).await;
        let adapter = adapter.map_err(|err| missing(format!("none is offered ({err})")))?;
        let info = adapter.get_info();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("language model"),
            // Weights of a vocabulary are one binding, larger than what is allowed unasked.
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let opened = adapter.request_device(&descriptor).await;
        let (device, queue) = opened.map_err(|err| missing(format!("it could not be opened ({err})")))?;
        let trouble = Arc::new(Mutex::new(None));
        let first = |trouble: &Arc<Mutex<Option<String>>>| {
            let trouble = trouble.clone();
            move |why: String| {
                held(&trouble).get_or_insert_with(|| why.trim_end_matches(['.', '\n']).to_owned());
            }
        };
        let tell = first(&trouble);
        device.set_device_lost_callback(move |_, why| {
            tell(if why.is_empty() { "the device is gone".into() } else { why });
        });
        let tell = first(&trouble);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| tell(error.to_string())));
        Ok(Self {
            is_software: info.device_type == wgpu::DeviceType::Cpu,
            kernels: Mutex::default(),
            device,
            queue,
            trouble,
            #[cfg(test)]
            spoilt: Mutex::default(),
        })
    }

    /// Compile something else where kernels say the first from here on.
    #[cfg(test)]
    pub fn spoil(&self, words: Option<(&'static str, &'static str)>) {
        *held(&self.spoilt) = words;
    }

    /// Lose the device, as a driver reset does. For tests.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Largest buffer that a kernel can read, in bytes.
    pub fn max_buffer_bytes(&self) -> u64 {
        let limits = self.device.limits();
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }

    /// Whether the device works so far.
    ///
    /// # Errors
    /// [`GpuError::Lost`] with the first trouble that it had.
    pub fn check(&self) -> Result<(), GpuError> {
        held(&self.trouble).clone().map_or(Ok(()), |why| Err(GpuError::Lost(why)))
    }

    /// A buffer of `bytes`, filled with zeros.
    pub fn buffer(&self, bytes: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let size = bytes.next_multiple_of(4).max(4);
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage,
            mapped_at_creation: false,
        })
    }

    /// Room for so many numbers between kernels.
    pub fn room(&self, numbers: usize) -> wgpu::Buffer {
        use wgpu::BufferUsages as Use;
        self.buffer(4 * numbers as u64, Use::STORAGE | Use::COPY_SRC | Use::COPY_DST)
    }

    /// Numbers that stay as they are.
    pub fn numbers(&self, numbers: &[f32]) -> wgpu::Buffer {
        let contents: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let usage = wgpu::BufferUsages::STORAGE;
        self.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: &contents,
            usage,
        })
    }

    /// The kernel of a source, compiled when it is first asked for.
    pub fn kernel(&self, source: String) -> wgpu::ComputePipeline {
        #[cfg(test)]
        let source = held(&self.spoilt).map_or(source.clone(), |(is, becomes)| source.replace(is, becomes));
        let mut kernels = held(&self.kernels);
        let make = |source: &String| {
            let descriptor =
                wgpu::ShaderModuleDescriptor { label: None, source: wgpu::ShaderSource::Wgsl(source.into()) };
            let module = self.device.create_shader_module(descriptor);
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        };
        kernels.entry(source).or_insert_with_key(make).clone()
    }

    /// A kernel's buffers, by the numbers of their bindings.
    pub fn bind(&self, kernel: &wgpu::ComputePipeline, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &kernel.get_bind_group_layout(0),
            entries: &entries,
        })
    }

    /// Wait for everything that was submitted, and read the beginning of `from`, which can be mapped.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub async fn read(&self, from: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, GpuError> {
        let (tell, told) = oneshot::channel();
        // Also when this future is dropped before the answer: a buffer that is still to be mapped cannot be used.
        let _unmapped = Unmap(from);
        from.map_async(wgpu::MapMode::Read, 0..bytes, move |outcome| {
            // The reader may have gone.
            let _gone = tell.send(outcome);
        });
        // In a browser this does nothing, and the event loop brings the answer.
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        let lost = |why: String| self.check().err().unwrap_or(GpuError::Lost(why));
        polled.map_err(|err| lost(err.to_string()))?;
        match told.await {
            Ok(Ok(())) => {}
            Ok(Err(err)) => return Err(lost(err.to_string())),
            Err(_never_told) => return Err(lost("it did not answer".into())),
        }
        let read = from.get_mapped_range(0..bytes).map_err(|err| lost(err.to_string()))?.to_vec();
        self.check().map(|()| read)
    }
}

/// Ends the mapping of a buffer.
struct Unmap<'a>(&'a wgpu::Buffer);

impl Drop for Unmap<'_> {
    fn drop(&mut self) {
        self.0.unmap();
    }
}

/// The part of a file of kernels that begins with `//@ name`.
pub fn section<'a>(file: &'a str, name: &str) -> &'a str {
    let sections = file.split("//@ ").skip(1);
    let mut named = sections.filter_map(|section| section.split_once('\n'));
    named.find(|(title, _)| *title == name).map_or("", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_by_their_names() {
        let file = "before\n//@ one\na\nb\n//@ two\nc\n";
        assert_eq!(section(file, "one"), "a\nb\n");
        assert_eq!(section(file, "two"), "c\n");
        assert_eq!(section(file, "thr"), "");
    }
}
