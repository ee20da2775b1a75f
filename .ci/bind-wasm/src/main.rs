//! `bind-wasm INPUT OUT NAME [--split]`: writes OUT/NAME.js and OUT/NAME_bg.wasm for a page to load. With `--split`, what the
//! module says it can begin without goes into modules beside it (see `app/src/ui/part.rs`).

use std::env::args;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::Options;

fn main() -> ExitCode {
    let args: Vec<String> = args().skip(1).collect();
    let (positional, flags): (Vec<&str>, Vec<&str>) = args.iter().map(String::as_str).partition(|arg| !arg.starts_with("--"));
    let split = flags == ["--split"];
    let ([input, out, name], true) = (positional.as_slice(), split || flags.is_empty()) else {
        eprintln!("usage: bind-wasm INPUT OUT NAME [--split]");
        return ExitCode::from(2);
    };
    match run(Path::new(input), Path::new(out), name, split) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("bind-wasm: {input}: {err}");
            ExitCode::FAILURE
        }
    }
}

fn run(input: &Path, out: &Path, name: &str, split: bool) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    let whole = out.join(format!("{name}.wasm"));
    if split {
        let bytes = fs::read(input)?;
        let script = format!("./{name}.js");
        let mut options = Options::new(&bytes);
        options.output_dir = out;
        options.main_out_path = &whole;
        options.main_module = &script;
        wasm_split_cli_support::transform(options)?;
    }
    let mut bindgen = Bindgen::new();
    bindgen
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The parts import the function table by the linker's name for it.
        .keep_lld_exports(split)
        .out_name(name)
        .input_path(if split { &whole } else { input })
        .generate(out)?;
    if split {
        fs::remove_file(&whole)?;
    }
    Ok(())
}
