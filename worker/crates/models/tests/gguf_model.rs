//! What the metadata and the tensor table must hold for a model to be run, on tiny files and on real ones.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "gguf/tiny.rs"]
mod tiny;
#[path = "gguf/writer.rs"]
mod writer;

use std::io::{Read, Seek, SeekFrom};

use models::gguf::{
    Arch, Array, Config, Dtype, FillTokens, GgufError, Header, Model, Parsed, RopePairs, RopeScaling,
    TokenKind, TokenizerModel, Value, dequantise,
};
use sha2::{Digest, Sha256};
use tiny::tiny;
use writer::{Writer, texts};

fn header(writer: &Writer) -> Header {
    let file = writer.file();
    match Header::parse(&file, Some(file.len() as u64)) {
        Ok(Parsed::Whole(header)) => header,
        other => panic!("{other:?}"),
    }
}

fn config(writer: &Writer) -> Config {
    Model::read(&header(writer)).unwrap().config
}

/// The message with which a tiny model is refused once `change` has been made to it.
fn refused(arch: Arch, change: impl FnOnce(&mut Writer)) -> String {
    let mut writer = tiny(arch);
    assert!(Model::read(&header(&writer)).is_ok());
    change(&mut writer);
    Model::read(&header(&writer)).unwrap_err().to_string()
}

#[test]
fn a_tiny_llama_is_read() {
    let header = header(&tiny(Arch::Llama));
    let model = Model::read(&header).unwrap();
    let expected = Config {
        arch: Arch::Llama,
        vocab: 12,
        context_length: 128,
        embedding_length: 64,
        block_count: 2,
        feed_forward_length: 96,
        head_count: 4,
        head_count_kv: 2,
        head_dim: 16,
        rope_base: 10_000.0,
        rope_dims: 16,
        rope_pairs: RopePairs::Adjacent,
        rope_scaling: RopeScaling::None,
        rms_epsilon: 1e-5,
        tied_output: true,
        qkv_bias: false,
    };
    assert_eq!(model.config, expected);
    assert_eq!((model.config.q_len(), model.config.kv_len()), (64, 32));
    let tensors = &model.tensors;
    assert_eq!(tensors.output, tensors.embedding);
    assert_eq!(tensors.layers.len(), 2);
    let layer = &tensors.layers[1];
    assert_eq!(layer.key.weight.name, "blk.1.attn_k.weight");
    assert!(layer.key.bias.is_none() && tensors.rope_factors.is_none());
    assert_eq!((layer.down.name.as_str(), layer.down.dtype), ("blk.1.ffn_down.weight", Dtype::BF16));
    assert_eq!((layer.gate.row_bytes(), layer.gate.len_bytes), (40, 96 * 40));

    let tokenizer = &model.tokenizer;
    assert_eq!((tokenizer.model, tokenizer.pre), (TokenizerModel::Bpe, Some("qwen2")));
    assert_eq!(tokenizer.tokens.iter().collect::<Vec<_>>(), tiny::TOKENS);
    assert_eq!(tokenizer.kinds[2..4], [TokenKind::Control, TokenKind::Normal]);
    assert_eq!(tokenizer.merges().collect::<Vec<_>>(), [("a", "b"), ("Ġ", "a")]);
    assert_eq!((tokenizer.bos, tokenizer.eos, tokenizer.add_bos), (None, Some(2), None));
    let fill = FillTokens { prefix: 8, suffix: 9, middle: 10, pad: Some(11), repo: None, file: None };
    assert_eq!(tokenizer.fill, Some(fill));
    assert_eq!(tokenizer.chat_template, None);
}

#[test]
fn a_tiny_qwen2_is_read() {
    let mut writer = tiny(Arch::Qwen2);
    writer.add("output.weight", &[12, 64], Dtype::F32);
    for (key, value) in [
        ("qwen2.rope.freq_base", Value::F32(1e6)),
        ("qwen2.rope.dimension_count", Value::U32(8)),
        ("qwen2.vocab_size", Value::U32(12)),
        ("tokenizer.ggml.bos_token_id", Value::U32(0)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
        ("tokenizer.ggml.fim_pre_token_id", Value::U32(3)),
        ("tokenizer.ggml.fim_suf_token_id", Value::U32(4)),
        ("tokenizer.ggml.middle_token_id", Value::U32(5)),
        ("tokenizer.chat_template", Value::String("{{ x }}".into())),
    ] {
        writer.set(key, value);
    }
    let header = header(&writer);
    let model = Model::read(&header).unwrap();
    assert!(model.config.qkv_bias && !model.config.tied_output);
    assert_eq!((model.config.rope_base, model.config.rope_dims), (1e6, 8));
    assert_eq!(model.config.rope_pairs, RopePairs::Halves);
    assert_eq!(model.tensors.output.name, "output.weight");
    assert_eq!(model.tensors.layers[0].value.bias.unwrap().shape, [32]);
    let fill = model.tokenizer.fill.unwrap();
    assert_eq!((fill.prefix, fill.suffix, fill.middle, fill.pad), (3, 4, 5, Some(11)));
    assert_eq!((model.tokenizer.bos, model.tokenizer.add_bos), (Some(0), Some(false)));
    assert_eq!(model.tokenizer.chat_template, Some("{{ x }}"));
}

#[test]
fn what_is_optional_may_be_there_or_not() {
    let changed = |change: &dyn Fn(&mut Writer)| {
        let mut writer = tiny(Arch::Llama);
        change(&mut writer);
        config(&writer)
    };
    let with = |key: &'static str, value: Value| changed(&move |writer| writer.set(key, value.clone()));
    assert_eq!(with("llama.context_length", Value::U64(1 << 20)).context_length, 1 << 20);
    assert_eq!(with("llama.context_length", Value::I32(77)).context_length, 77);
    assert!(with("tokenizer.ggml.token_type", Value::Array(Array::U32(vec![1; 12]))).vocab == 12);
    assert!(with("general.type", Value::String("model".into())).vocab == 12);
    // Each on its own: without groups, with biases, with heads that are not a part of the embedding.
    let plain = changed(&|writer| {
        writer.remove("llama.attention.head_count_kv");
        for tensor in &mut writer.tensors {
            if tensor.name.contains("attn_k") || tensor.name.contains("attn_v") {
                tensor.shape = vec![64, 64];
                tensor.data.resize(64 * 36, 0);
            }
        }
    });
    assert_eq!(plain.head_count_kv, 4);
    let biased = changed(&|writer| {
        for i in 0..2 {
            for (part, rows) in [("q", 64), ("k", 32), ("v", 32)] {
                writer.add(&format!("blk.{i}.attn_{part}.bias"), &[rows], Dtype::F16);
            }
        }
    });
    assert!(biased.qkv_bias);
    let narrow = changed(&|writer| {
        writer.set("llama.attention.key_length", Value::U32(32));
        writer.set("llama.attention.value_length", Value::U32(32));
        writer.set("llama.attention.head_count", Value::U32(2));
        writer.set("llama.attention.head_count_kv", Value::U32(1));
    });
    assert_eq!((narrow.head_dim, narrow.rope_dims, narrow.q_len(), narrow.kv_len()), (32, 32, 64, 32));
    let mut factors = tiny(Arch::Llama);
    factors.add("rope_freqs.weight", &[8], Dtype::F32);
    let header = header(&factors);
    assert_eq!(Model::read(&header).unwrap().tensors.rope_factors.unwrap().shape, [8]);
}

#[test]
fn scaling_of_positions() {
    let scaling = |pairs: &[(&str, Value)]| {
        let mut writer = tiny(Arch::Qwen2);
        pairs.iter().for_each(|(key, value)| writer.set(&format!("qwen2.rope.{key}"), value.clone()));
        Model::read(&header(&writer)).map(|model| model.config.rope_scaling).map_err(|err| err.to_string())
    };
    let kind = |name: &str| ("scaling.type", Value::String(name.into()));
    let factor = |x: f32| ("scaling.factor", Value::F32(x));
    assert_eq!(scaling(&[kind("none"), factor(4.0)]), Ok(RopeScaling::None));
    assert_eq!(scaling(&[kind("linear"), factor(4.0)]), Ok(RopeScaling::Linear { factor: 4.0 }));
    assert_eq!(scaling(&[("scale_linear", Value::F32(2.0))]), Ok(RopeScaling::Linear { factor: 2.0 }));
    assert_eq!(scaling(&[factor(1.0)]), Ok(RopeScaling::None));
    let yarn = |original_context, beta_fast| RopeScaling::Yarn {
        factor: 4.0,
        original_context,
        ext_factor: 1.0,
        attn_factor: 1.0,
        beta_fast,
        beta_slow: 1.0,
    };
    assert_eq!(scaling(&[kind("yarn"), factor(4.0)]), Ok(yarn(128, 32.0)));
    let original = ("scaling.original_context_length", Value::U32(32));
    let fast = ("scaling.yarn_beta_fast", Value::F32(16.0));
    assert_eq!(scaling(&[kind("yarn"), factor(4.0), original, fast]), Ok(yarn(32, 16.0)));
    let err = scaling(&[kind("longrope")]).unwrap_err();
    assert_eq!(err, "Alcove cannot run this model: its positions are scaled by “longrope”");
    let err = scaling(&[factor(-1.0)]).unwrap_err();
    assert_eq!(
        err,
        "“qwen2.rope.scaling.factor” in the metadata of the model file is -1, but must be above 0"
    );
}

#[test]
fn metadata_that_does_not_fit_is_named() {
    let refuses = |key: &str, value: Value, message: &str| {
        let got = refused(Arch::Llama, |writer| writer.set(key, value));
        assert_eq!(got, message.replace("KEY", &format!("“{key}” in the metadata of the model file")));
    };
    let text = |text: &str| Value::String(text.into());
    refuses(
        "general.architecture",
        text("gemma3"),
        "the model's architecture is “gemma3”: Alcove runs “llama” and “qwen2”",
    );
    refuses(
        "general.architecture",
        text("x\n\u{202e}"),
        "the model's architecture is “x\\u{a}\\u{202e}”: Alcove runs “llama” and “qwen2”",
    );
    refuses("general.architecture", Value::U32(1), "KEY is a whole number, but must be a text");
    refuses(
        "general.type",
        text("adapter"),
        "Alcove cannot run this model: the file holds no model but “adapter”",
    );
    refuses(
        "split.count",
        Value::U16(3),
        "Alcove cannot run this model: the file is one of 3 parts; take a whole one",
    );
    refuses(
        "llama.expert_count",
        Value::U32(8),
        "Alcove cannot run this model: it is a mixture of 8 experts",
    );
    refuses(
        "llama.attention.causal",
        Value::Bool(false),
        "Alcove cannot run this model: it reads text and does not write any",
    );
    refuses("llama.vocab_size", Value::U32(13), "KEY is 13, but the token list has 12");
    refuses("llama.block_count", Value::U32(0), "KEY is 0, but must be from 1 to 1024");
    refuses(
        "llama.block_count",
        Value::U64(u64::MAX),
        "KEY is 18446744073709551615, but must be from 1 to 1024",
    );
    refuses(
        "llama.block_count",
        Value::I32(-1),
        "KEY is a whole number with a sign, but must be a whole number from 0 on",
    );
    refuses(
        "llama.block_count",
        Value::F32(2.0),
        "KEY is a fractional number, but must be a whole number from 0 on",
    );
    refuses(
        "llama.feed_forward_length",
        Value::Array(Array::U32(vec![96, 96])),
        "KEY is a list, but must be a whole number from 0 on",
    );
    refuses(
        "llama.attention.head_count",
        Value::U32(3),
        "“llama.attention.head_count_kv” in the metadata of the model file is 2, which does not divide the 3 heads",
    );
    refuses(
        "llama.attention.head_count",
        Value::U32(6),
        "KEY is 6, which does not divide the embedding of 64",
    );
    refuses(
        "llama.attention.head_count",
        Value::U32(64),
        "KEY gives heads of 1, which must be even and at most 4096",
    );
    refuses(
        "llama.attention.key_length",
        Value::U32(15),
        "KEY gives heads of 15, which must be even and at most 4096",
    );
    refuses(
        "llama.attention.value_length",
        Value::U32(8),
        "Alcove cannot run this model: its keys and values are of different lengths",
    );
    refuses(
        "llama.rope.dimension_count",
        Value::U32(18),
        "KEY is 18, but must be even and no more than the 16 of a head",
    );
    refuses(
        "llama.rope.dimension_count",
        Value::U32(7),
        "KEY is 7, but must be even and no more than the 16 of a head",
    );
    refuses("llama.rope.freq_base", Value::F32(f32::NAN), "KEY is NaN");
    refuses("llama.rope.freq_base", Value::F32(0.0), "KEY is 0, but must be above 0");
    refuses(
        "llama.attention.layer_norm_rms_epsilon",
        Value::F32(-1.0),
        "KEY is -1, but must be between 0 and 1",
    );
    for key in [
        "llama.block_count",
        "llama.context_length",
        "llama.attention.layer_norm_rms_epsilon",
        "general.architecture",
        "tokenizer.ggml.model",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.merges",
    ] {
        let message = refused(Arch::Llama, |writer| writer.remove(key));
        assert_eq!(message, format!("the model file lacks “{key}” in its metadata"));
    }
}

#[test]
fn a_tokenizer_that_does_not_fit_is_named() {
    let refuses = |name: &str, value: Value, message: &str| {
        let key = format!("tokenizer.ggml.{name}");
        let got = refused(Arch::Qwen2, |writer| writer.set(&key, value));
        assert_eq!(got, message.replace("KEY", &format!("“{key}” in the metadata of the model file")));
    };
    let text = |text: &str| Value::String(text.into());
    refuses("model", text("bert"), "Alcove cannot run this model: its tokenizer is of kind “bert”");
    refuses("model", text("llama"), "the model file lacks “tokenizer.ggml.scores” in its metadata");
    refuses("tokens", texts(&[]), "KEY has no tokens");
    refuses("tokens", Value::Array(Array::U8(vec![1])), "KEY is a list, but must be a list of texts");
    refuses("token_type", Value::Array(Array::I32(vec![1; 11])), "KEY has 11 entries for 12 tokens");
    refuses("token_type", Value::Array(Array::I32(vec![7; 12])), "KEY has the unknown kind of token 7");
    refuses("token_type", Value::Array(Array::I32(vec![-1; 12])), "KEY has the unknown kind of token -1");
    refuses("scores", Value::Array(Array::F32(vec![0.0; 13])), "KEY has 13 entries for 12 tokens");
    refuses("scores", Value::Array(Array::F32(vec![f32::NAN; 12])), "KEY has a score that is not a number");
    for merge in ["", "ab", "a ", " b", " "] {
        let message = format!("KEY has “{merge}”, which is not two tokens with a space between");
        refuses("merges", texts(&["a b", merge]), &message);
    }
    for id in ["bos", "eos", "eot", "padding", "unknown", "fim_pre", "fim_rep", "middle"] {
        refuses(&format!("{id}_token_id"), Value::U32(12), "KEY is 12, but there are only 12 tokens");
    }
    refuses("add_bos_token", Value::U8(1), "KEY is a whole number, but must be yes or no");
}

#[test]
fn sentencepiece_has_scores_instead_of_merges() {
    let mut writer = tiny(Arch::Llama);
    writer.set("tokenizer.ggml.model", Value::String("llama".into()));
    writer.remove("tokenizer.ggml.merges");
    writer.set("tokenizer.ggml.scores", Value::Array(Array::F32((0..12).map(|i| -(i as f32)).collect())));
    let header = header(&writer);
    let tokenizer = Model::read(&header).unwrap().tokenizer;
    assert_eq!((tokenizer.model, tokenizer.scores[3]), (TokenizerModel::Sentencepiece, -3.0));
    assert_eq!(tokenizer.merges().count(), 0);
    // It is read so that it can be named: nothing here cuts texts by scores.
    let refused = models::llm::Language::read(&header).unwrap_err().to_string();
    assert!(refused.contains("its tokenizer is a Sentencepiece one"), "{refused}");
}

#[test]
fn every_tensor_must_be_there_in_its_shape() {
    for arch in [Arch::Llama, Arch::Qwen2] {
        for i in 0..tiny(arch).tensors.len() {
            let name = tiny(arch).tensors[i].name.clone();
            let message = refused(arch, |writer| drop(writer.tensors.remove(i)));
            assert_eq!(message, format!("the model file lacks the tensor “{name}”"));
            let reshaped = refused(arch, |writer| writer.tensors[i].shape.insert(0, 1));
            assert!(reshaped.starts_with(&format!("the tensor “{name}” has the shape [1, ")), "{reshaped}");
            let renamed = refused(arch, |writer| writer.add(&format!("{name}x"), &[32], Dtype::F32));
            let unknown = "Alcove cannot run this model: it does not know what the tensor";
            assert_eq!(renamed, format!("{unknown} “{name}x” is for"));
        }
    }
    let turned = refused(Arch::Llama, |writer| {
        let down = writer.tensors.iter_mut().find(|tensor| tensor.name == "blk.1.ffn_down.weight").unwrap();
        down.shape.reverse();
    });
    assert_eq!(
        turned,
        "the tensor “blk.1.ffn_down.weight” has the shape [96, 64], but the metadata asks for [64, 96]"
    );
    let quantised = refused(Arch::Llama, |writer| {
        let norm = writer.tensors.last_mut().unwrap();
        (norm.dtype, norm.data) = (Dtype::Q8_0, vec![0; 68]);
    });
    assert_eq!(
        quantised,
        "Alcove cannot run this model: the tensor “output_norm.weight” is stored in blocks of Q8_0"
    );
    let one_bias = refused(Arch::Llama, |writer| writer.add("blk.0.attn_q.bias", &[64], Dtype::F32));
    assert_eq!(one_bias, "the model file lacks the tensor “blk.0.attn_k.bias”");
    let untied = refused(Arch::Llama, |writer| writer.add("output.weight", &[11, 64], Dtype::F32));
    assert!(untied.contains("“output.weight” has the shape [11, 64]"), "{untied}");
}

/// Reads a file as the browser does: piece by piece until the header is there.
fn stream(file: &mut std::fs::File) -> Header {
    const PIECE: usize = 1 << 20;
    let len = file.metadata().unwrap().len();
    let mut start = Vec::new();
    loop {
        file.take(PIECE as u64).read_to_end(&mut start).unwrap();
        match Header::parse(&start, Some(len)).unwrap() {
            Parsed::Whole(header) => return header,
            Parsed::NeedMore { at_least } => assert!(at_least > start.len() as u64),
        }
    }
}

/// Numbers of two layers and of what stands outside of all layers but the large tables, as one checksum. Together the
/// two layers have every format that the two files use.
fn digest(file: &mut std::fs::File, header: &Header) -> String {
    let mut sum = Sha256::new();
    let part = |name: &str| ["blk.0.", "blk.11.", "output_norm."].iter().any(|part| name.starts_with(part));
    for tensor in header.tensors().iter().filter(|tensor| part(&tensor.name)) {
        let mut bytes = vec![0; tensor.len_bytes as usize];
        file.seek(SeekFrom::Start(tensor.offset)).unwrap();
        file.read_exact(&mut bytes).unwrap();
        let mut numbers = vec![0.0; tensor.numbers() as usize];
        dequantise(tensor.dtype, &bytes, &mut numbers).unwrap();
        sum.update(numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    }
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file that a variable names; tests of real models say so and stop where it is not set.
fn real(variable: &str) -> Option<std::fs::File> {
    let path = std::env::var_os(variable);
    if path.is_none() {
        eprintln!("skipped: {variable} does not name a GGUF file");
    }
    path.map(|path| std::fs::File::open(path).unwrap())
}

#[test]
fn smollm2_is_read() {
    let Some(mut file) = real("SMOLLM2_GGUF") else { return };
    let header = stream(&mut file);
    let model = Model::read(&header).unwrap();
    eprintln!("{:#?}", model.config);
    let config = &model.config;
    assert_eq!((config.arch, config.vocab, config.block_count), (Arch::Llama, 49152, 30));
    assert_eq!((config.head_count, config.head_count_kv, config.head_dim), (9, 3, 64));
    assert_eq!((config.rope_base, config.rms_epsilon), (100_000.0, 1e-5));
    assert!(config.tied_output && !config.qkv_bias);
    let tokenizer = &model.tokenizer;
    assert_eq!((tokenizer.pre, tokenizer.merges().count()), (Some("smollm"), 48900));
    assert_eq!((tokenizer.bos, tokenizer.eos, tokenizer.fill), (Some(1), Some(2), None));
    // The sum over what the Python package makes of the same tensors.
    assert_eq!(
        digest(&mut file, &header),
        "93c4be95c8008d579b24d019f2d73289b32eb4ba7075baf0d3095035b3a7a343"
    );
}

#[test]
fn qwen_coder_is_read() {
    let Some(mut file) = real("QWEN_GGUF") else { return };
    let header = stream(&mut file);
    let model = Model::read(&header).unwrap();
    eprintln!("{:#?}", model.config);
    let config = &model.config;
    assert_eq!((config.arch, config.vocab, config.block_count), (Arch::Qwen2, 151_936, 24));
    assert_eq!((config.head_count, config.head_count_kv, config.head_dim), (14, 2, 64));
    assert_eq!((config.rope_base, config.rms_epsilon), (1e6, 1e-6));
    assert!(!config.tied_output && config.qkv_bias);
    let tokenizer = &model.tokenizer;
    assert_eq!((tokenizer.pre, tokenizer.merges().count()), (Some("qwen2"), 151_387));
    assert_eq!((tokenizer.bos, tokenizer.eos), (Some(151_643), Some(151_645)));
    let fill = FillTokens {
        prefix: 151_659,
        suffix: 151_661,
        middle: 151_660,
        pad: Some(151_662),
        repo: Some(151_663),
        file: Some(151_664),
    };
    assert_eq!(tokenizer.fill, Some(fill));
    assert_eq!(
        digest(&mut file, &header),
        "386bcc7f676fa80b50b0d950434d63010764105ccad878e4eea8ba9228839646"
    );
}

#[test]
fn errors_can_be_told_apart() {
    let mut writer = tiny(Arch::Llama);
    writer.set("general.architecture", Value::String("phi3".into()));
    let err = Model::read(&header(&writer)).unwrap_err();
    assert_eq!(err, GgufError::Architecture("phi3".into()));
}
