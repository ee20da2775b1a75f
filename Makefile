# The commands of this repository. Each is a script in .ci/, so that it can be read and run alone.
.PHONY: serve build dev check test bench fmt clean help

serve: ## install what is missing, build, and serve on http://127.0.0.1:8787
	@.ci/serve $(ARGS)

build: ## the same without serving
	@.ci/setup
	@.ci/build

dev: ## serve and rebuild on every change
	@.ci/dev $(ARGS)

check: ## fast: format, lints, rules of the house, unit tests
	@.ci/check

test: ## everything, browser included
	@.ci/test

bench: ## measure, and write docs/benchmarks.json and docs/benchmarks.md
	@.ci/bench $(ARGS)

fmt: ## format the Rust sources
	@cargo fmt --all

clean: ## remove what this checkout built; the shared cache stays
	@rm -rf dist

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
