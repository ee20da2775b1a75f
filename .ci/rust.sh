# shellcheck shell=bash
# The stages over the Rust sources that `make check` and `make test` share. Sourced after lib.sh.

# Packages are built in groups and never as one workspace: cargo would unite their features, and burn with WebGPU
# would be compiled for everybody.
engine_packages=(protocol stdx text syntax store index agents infer tokens models tidy)
native_packages=("${engine_packages[@]}" server bench app link web worker model_worker)
# Crates with code for a browser only, and those below them. Page and engine worker have none: they are linted as native
# ones, and compiled for the browser by the build.
browser_packages=(web link models model_worker)

# flags_for PACKAGE…: one -p each, those that exist.
flags_for() {
  local name
  for name in "$@"; do
    if [ -f "worker/crates/$name/Cargo.toml" ] || [ -f "$name/Cargo.toml" ]; then printf -- '-p\n%s\n' "$name"; fi
  done
}

format_check() { cargo fmt --all --check; }

scripts_check() {
  local script
  for script in .ci/*; do
    if [ -f "$script" ] && head -n 1 "$script" | grep -q 'bash'; then bash -n "$script" || return 1; fi
  done
  if have shellcheck; then
    grep -lE '^#!.*bash|shellcheck shell=bash' .ci/* 2>/dev/null | xargs shellcheck -x -e SC1091,SC2034,SC2154
  else
    say "shellcheck is not installed: the scripts were only parsed."
  fi
}

clippy_native() {
  local flags
  mapfile -t flags < <(flags_for "${native_packages[@]}")
  CARGO_TARGET_DIR=$targets/native cargo clippy --quiet "${flags[@]}" --all-targets -- -D warnings
}

clippy_wasm() {
  local flags
  mapfile -t flags < <(flags_for "${browser_packages[@]}")
  CARGO_TARGET_DIR=$targets/native cargo clippy --quiet "${flags[@]}" --target "$wasm_target" -- -D warnings
}

# native_tests PACKAGE…: run their tests and add to the counts.
passed=0
failed=0
native_tests() {
  local flags log status=0
  mapfile -t flags < <(flags_for "$@")
  log=$(mktemp)
  if have cargo-nextest; then
    CARGO_TARGET_DIR=$targets/native cargo nextest run --no-fail-fast --no-tests=pass "${flags[@]}" "${test_args[@]}" >"$log" 2>&1 || status=$?
    count "$(sed -nE 's/.* ([0-9]+) passed.*/\1/p' "$log" | tail -n 1)" "$(sed -nE 's/.*Summary.* ([0-9]+) failed.*/\1/p' "$log" | tail -n 1)"
    # nextest leaves out the examples in the documentation.
  else
    CARGO_TARGET_DIR=$targets/native cargo test --quiet --no-fail-fast "${flags[@]}" "${test_args[@]}" >"$log" 2>&1 || status=$?
    count "$(awk '/^test result/ { n += $4 } END { print n + 0 }' "$log")" "$(awk '/^test result/ { n += $6 } END { print n + 0 }' "$log")"
  fi
  if [ "$status" -ne 0 ]; then
    # A build that fails counts too, though no test ran.
    grep -qE '[1-9][0-9]* failed' "$log" || count 0 1
    tail -n 200 "$log"
  else
    grep -E 'Summary|^test result' "$log" | tail -n 1 || true
  fi
  rm -f "$log"
  return "$status"
}
test_args=()
count() {
  passed=$((passed + ${1:-0}))
  failed=$((failed + ${2:-0}))
}
