//! Writes small GGUF files in memory, for tests: sound ones from values, and pieces for those that lie.

#![allow(dead_code, unreachable_pub, missing_docs)]

use models::gguf::{Array, Dtype, Strings, Value};

/// Bytes of a file, pushed one piece after the other.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// Magic, version and the two counts.
    pub fn head(version: u32, num_tensors: u64, num_pairs: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(version).u64(num_tensors).u64(num_pairs)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn u32(self, number: u32) -> Self {
        self.raw(&number.to_le_bytes())
    }

    pub fn u64(self, number: u64) -> Self {
        self.raw(&number.to_le_bytes())
    }

    pub fn string(self, text: &str) -> Self {
        self.u64(text.len() as u64).raw(text.as_bytes())
    }

    /// An entry of the tensor table; dimensions as the file has them, innermost first.
    pub fn entry(self, name: &str, dims: &[u64], code: u32, offset: u64) -> Self {
        let head = self.string(name).u32(dims.len() as u32);
        dims.iter().fold(head, |bytes, &size| bytes.u64(size)).u32(code).u64(offset)
    }

    pub fn pair(self, key: &str, value: &Value) -> Self {
        self.string(key).value(value)
    }

    pub fn value(self, value: &Value) -> Self {
        match value {
            Value::U8(x) => self.u32(0).raw(&x.to_le_bytes()),
            Value::I8(x) => self.u32(1).raw(&x.to_le_bytes()),
            Value::U16(x) => self.u32(2).raw(&x.to_le_bytes()),
            Value::I16(x) => self.u32(3).raw(&x.to_le_bytes()),
            Value::U32(x) => self.u32(4).raw(&x.to_le_bytes()),
            Value::I32(x) => self.u32(5).raw(&x.to_le_bytes()),
            Value::F32(x) => self.u32(6).raw(&x.to_le_bytes()),
            Value::Bool(x) => self.u32(7).raw(&[(*x).into()]),
            Value::String(x) => self.u32(8).string(x),
            Value::Array(x) => self.u32(9).array(x),
            Value::U64(x) => self.u32(10).raw(&x.to_le_bytes()),
            Value::I64(x) => self.u32(11).raw(&x.to_le_bytes()),
            Value::F64(x) => self.u32(12).raw(&x.to_le_bytes()),
        }
    }

    pub fn array(self, array: &Array) -> Self {
        let num = array.len() as u64;
        macro_rules! numbers {
            ($code:expr, $all:expr) => {
                $all.iter().fold(self.u32($code).u64(num), |bytes, x| bytes.raw(&x.to_le_bytes()))
            };
        }
        match array {
            Array::U8(all) => numbers!(0, all),
            Array::I8(all) => numbers!(1, all),
            Array::U16(all) => numbers!(2, all),
            Array::I16(all) => numbers!(3, all),
            Array::U32(all) => numbers!(4, all),
            Array::I32(all) => numbers!(5, all),
            Array::F32(all) => numbers!(6, all),
            Array::U64(all) => numbers!(10, all),
            Array::I64(all) => numbers!(11, all),
            Array::F64(all) => numbers!(12, all),
            Array::Bool(all) => all.iter().fold(self.u32(7).u64(num), |bytes, &x| bytes.raw(&[x.into()])),
            Array::Strings(all) => all.iter().fold(self.u32(8).u64(num), Self::string),
            Array::Arrays(all) => all.iter().fold(self.u32(9).u64(num), Self::array),
        }
    }

    pub fn pad(mut self, alignment: usize) -> Self {
        self.0.resize(self.0.len().next_multiple_of(alignment), 0);
        self
    }
}

/// A tensor to be written.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    /// Outermost dimension first.
    pub shape: Vec<u64>,
    pub dtype: Dtype,
    pub data: Vec<u8>,
}

/// A sound file.
#[derive(Clone, Debug)]
pub struct Writer {
    pub version: u32,
    pub pairs: Vec<(String, Value)>,
    pub tensors: Vec<Tensor>,
    pub alignment: Option<u32>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { version: 3, pairs: Vec::new(), tensors: Vec::new(), alignment: None }
    }
}

impl Writer {
    pub fn set(&mut self, key: &str, value: Value) {
        self.remove(key);
        self.pairs.push((key.to_owned(), value));
    }

    pub fn remove(&mut self, key: &str) {
        self.pairs.retain(|(other, _)| other != key);
    }

    /// A tensor with data of zeros.
    pub fn add(&mut self, name: &str, shape: &[u64], dtype: Dtype) {
        let bytes = dtype.bytes(shape.iter().product()).unwrap();
        let data = vec![0; bytes as usize];
        self.tensors.push(Tensor { name: name.to_owned(), shape: shape.to_vec(), dtype, data });
    }

    /// Magic to the end of the table.
    pub fn header(&self) -> Vec<u8> {
        let num_pairs = self.pairs.len() + usize::from(self.alignment.is_some());
        let mut bytes = Bytes::head(self.version, self.tensors.len() as u64, num_pairs as u64);
        if let Some(alignment) = self.alignment {
            bytes = bytes.pair("general.alignment", &Value::U32(alignment));
        }
        for (key, value) in &self.pairs {
            bytes = bytes.pair(key, value);
        }
        let mut offset = 0;
        for tensor in &self.tensors {
            let dims: Vec<u64> = tensor.shape.iter().rev().copied().collect();
            bytes = bytes.entry(&tensor.name, &dims, tensor.dtype.code(), offset);
            offset += (tensor.data.len() as u64).next_multiple_of(self.align() as u64);
        }
        bytes.0
    }

    /// The whole file, padded at its end as well.
    pub fn file(&self) -> Vec<u8> {
        let align = self.align();
        let head = Bytes(self.header()).pad(align);
        self.tensors.iter().fold(head, |bytes, tensor| bytes.raw(&tensor.data).pad(align)).0
    }

    pub fn align(&self) -> usize {
        self.alignment.unwrap_or(32) as usize
    }
}

pub fn texts(all: &[&str]) -> Value {
    Value::Array(Array::Strings(all.iter().collect::<Strings>()))
}
