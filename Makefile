# Boatyard: `make demo` shows it, `make test` proves it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# What a build machine needs, and what the tests need beside it (Debian 12 package names).
RUN_PACKAGES := buildah runc slirp4netns iproute2 git openssh-client ca-certificates skopeo busybox-static uidmap gcc libc6-dev make
TEST_PACKAGES := $(RUN_PACKAGES) git-lfs qemu-user-static docker-registry docker.io postgresql mmdebstrap openssh-server zstd procps python3-venv

BENCH_PACKAGES := $(RUN_PACKAGES) wrk postgresql docker-registry mmdebstrap

.PHONY: help demo test bench build lint doc setup-run setup-test setup-bench node-tests

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: setup-run build ## Install what is missing, build, and show a whole round trip
	target/release/boatyard demo $(DEMO_ARGS)

build: ## Build the release binary
	cargo build --release --locked -p boatyard

test: setup-test node-tests ## Install what the tests need and run all of them
	cargo build --locked -p boatyard
	cargo nextest run --locked --workspace

bench: setup-bench build ## Measure against the plain alternatives; writes docs/performance.md
	cargo build --release --locked -p boatyard-bench
	scripts/debian-mirror run target/release/boatyard-bench run --boatyard target/release/boatyard $(BENCH_ARGS)

lint: ## Formatting and lints, as CI has them
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

doc: ## The API's documentation of the code, without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

node-tests: ## Install the published clients that the tests drive, and build ours
	cd tests/clients && npm ci --no-audit --no-fund --silent
	cd clients/typescript && npm ci --no-audit --no-fund --silent && npm run --silent check

setup-run:
	@scripts/install $(RUN_PACKAGES)

setup-test:
	@scripts/install $(TEST_PACKAGES)
	@scripts/install-nextest
	@scripts/install-schemathesis
	@scripts/debian-mirror make

setup-bench:
	@scripts/install $(BENCH_PACKAGES)
