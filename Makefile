# Windvane. `make` builds the web pages and the release binary; the other targets are listed by `make help`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: help ui build serve test test-large test-large-files lint bench-micro dist try-image clean

# rustup leaves the PATH of shells that are already open as it was.
export PATH := $(HOME)/.cargo/bin:$(PATH)

BINARY := target/release/windvane
# Further options of the server: make serve ARGS="--listen 127.0.0.1:5001"
ARGS ?=

UI_MODULES := static/node_modules/.package-lock.json
UI_SOURCES := $(shell find static/src -type f) static/index.html static/account.html static/build.mjs static/tsconfig.json

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

ui: static/dist/index.html ## the web pages, into static/dist (needs Node 18 or newer)

static/dist/index.html: $(UI_SOURCES) $(UI_MODULES)
	cd static && npm run --silent check && npm run --silent build

$(UI_MODULES): static/package.json static/package-lock.json
	scripts/setup.sh ui
	cd static && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier
	touch $@

build: ui ## the web pages and the release binary
	scripts/setup.sh build
	cargo build --release --locked

serve: build ## build what is missing, then start the server with its defaults
	exec $(BINARY) server $(ARGS)

test: ## everything that must pass before a merge; installs what it needs when root
	exec scripts/test.sh

test-large: ## the same with long tests at full size
	TEST_LARGE=1 COMPAT_SCALE=full exec scripts/test.sh

test-large-files: ## of these, only the ones with large files
	exec scripts/test-large.sh

lint: ## formatting, clippy and documentation, without a warning
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

bench-micro: ## micro-benchmarks of parsing, coding and committing
	cargo bench --locked

dist: ## one binary for glibc 2.17 and a wheel of it, into target/dist, both tried
	scripts/dist.sh
	scripts/try-dist.sh

try-image: ## the steps of docker/Dockerfile in a fresh folder, without a Docker engine
	scripts/try-image.sh

clean: ## remove what was built
	rm -rf target static/dist static/node_modules
