//! A tiny model of each architecture, sound in every part, from which tests break off one piece at a time.

#![allow(dead_code, unreachable_pub, missing_docs)]

use models::gguf::{Arch, Array, Dtype, Value};

use crate::writer::{Writer, texts};

pub const TOKENS: [&str; 12] = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "a",
    "b",
    "ab",
    "Ġ",
    "Ġa",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|fim_pad|>",
];

/// Embedding 64, heads 4 of 16, of which keys and values have 2, inner 96, two layers, head tied.
pub fn tiny(arch: Arch) -> Writer {
    let mut writer = Writer::default();
    let name = arch.name();
    writer.set("general.architecture", Value::String(name.into()));
    for (key, size) in [
        ("block_count", 2),
        ("context_length", 128),
        ("embedding_length", 64),
        ("feed_forward_length", 96),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
    ] {
        writer.set(&format!("{name}.{key}"), Value::U32(size));
    }
    writer.set(&format!("{name}.attention.layer_norm_rms_epsilon"), Value::F32(1e-5));
    writer.set("tokenizer.ggml.model", Value::String("gpt2".into()));
    writer.set("tokenizer.ggml.pre", Value::String("qwen2".into()));
    writer.set("tokenizer.ggml.tokens", texts(&TOKENS));
    let kinds = vec![3, 3, 3, 1, 1, 1, 1, 1, 3, 3, 3, 3];
    writer.set("tokenizer.ggml.token_type", Value::Array(Array::I32(kinds)));
    writer.set("tokenizer.ggml.merges", texts(&["a b", "Ġ a"]));
    writer.set("tokenizer.ggml.eos_token_id", Value::U32(2));

    writer.add("token_embd.weight", &[12, 64], Dtype::Q8_0);
    for i in 0..2 {
        let name = |part: &str| format!("blk.{i}.{part}");
        writer.add(&name("attn_norm.weight"), &[64], Dtype::F32);
        for (part, rows) in [("attn_q", 64), ("attn_k", 32), ("attn_v", 32)] {
            writer.add(&name(&format!("{part}.weight")), &[rows, 64], Dtype::Q4_0);
            if arch == Arch::Qwen2 {
                writer.add(&name(&format!("{part}.bias")), &[rows], Dtype::F32);
            }
        }
        writer.add(&name("attn_output.weight"), &[64, 64], Dtype::Q5_1);
        writer.add(&name("ffn_norm.weight"), &[64], Dtype::F32);
        writer.add(&name("ffn_gate.weight"), &[96, 64], Dtype::Q4_1);
        writer.add(&name("ffn_up.weight"), &[96, 64], Dtype::F16);
        writer.add(&name("ffn_down.weight"), &[64, 96], Dtype::BF16);
    }
    writer.add("output_norm.weight", &[64], Dtype::F32);
    writer
}
