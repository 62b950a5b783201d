.PHONY: help dist demo demo-deploy demo-autoscale test fuzz bench clean
.DEFAULT_GOAL := help
release := $${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile

# A static program that needs glibc's resolver or name service fails in scratch and Alpine images. GNU ld
# warns of it (lld does not), and here its warnings are errors.
strict := -C linker-features=-lld -C link-arg=-Wl,--fatal-warnings

dist: ## dist/entry and dist/entryctl, static, with their checksums
	cargo rustc --release --bin entry -- $(strict)
	cargo rustc --release --bin entryctl -- $(strict)
	mkdir -p dist
	install -m 755 $(release)/entry $(release)/entryctl dist/
	@size=$$(stat -c %s dist/entry); [ $$size -le 10500000 ] || { echo "dist/entry has $$size bytes, over 10.5 MB" >&2; exit 1; }
	cd dist && sha256sum entry entryctl >SHA256SUMS

demo: ## a Rails app in a real container, started, asked and stopped
	@scripts/setup
	@$(MAKE) -s dist
	@scripts/demo

demo-deploy: ## three commits of it on an ECS in this machine, deployed and taken back
	@scripts/setup
	@$(MAKE) -s dist
	@scripts/demo-deploy

demo-autoscale: ## a simulated day of the autoscaler, then a live one on AWS's stand-in
	@scripts/setup
	@$(MAKE) -s dist
	@scripts/demo-autoscale

test: ## every check and test, on real servers and containers (as root, on Debian 12)
	@scripts/test

fuzz: ## new cases for the property tests, then a minute of what nobody should write, for secrets and envelopes
	@scripts/fuzz

bench: dist ## side by side with tini, dumb-init, catatonit, the AWS SDK for Ruby and sops
	@scripts/bench

clean: ## the build's results (.cache, with the base image, stays)
	cargo clean
	rm -rf dist
