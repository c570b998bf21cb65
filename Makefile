# Tidings: events with Kafka, for Swift.
#
#   make run     install what is missing, build, run the live example at http://127.0.0.1:8080
#   make test    install what is missing, build, pass all tests (KAFKA=host:9092 DATABASE=postgres://… use yours, but
#                for the tests that kill theirs)
#   make prove   the same with the long sweeps
#   make bench   measure against the references; prints what docs/benchmarks.md reports
#   make build | lint | format | clean

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: run build test prove bench lint format clean dependencies test-dependencies

PORT ?= 8080
DATA ?= shop-data
# The programs carry Swift's libraries in them: they start in half the time, in less memory, and run where Swift is not.
RELEASE := -c release --static-swift-stdlib
SOURCES = git ls-files -z '*.swift' | xargs -0 swift format
# Only what was given: an empty address is not an address.
$(foreach name,KAFKA DATABASE,$(if $($(name)),$(eval export $(name))))

# FILTER=… runs the suites and tests of that name, one after the other.
FILTER ?=

run: dependencies
	swift build $(RELEASE) --product shop
	exec .build/release/shop all --port $(PORT) --data-dir $(DATA)

build: dependencies
	swift build $(RELEASE) --product tidings
	swift build $(RELEASE) --product shop

test: test-dependencies
	swift build --build-tests
	scripts/test '$(FILTER)'

prove: export TIDINGS_PROVE = 1
prove: test

bench: dependencies
	swift build $(RELEASE) --product tidings
	swift run -c release --package-path Benchmarks bench client --tidings .build/release/tidings
	swift run -c release --package-path Benchmarks bench broker --tidings .build/release/tidings
	swift run -c release --package-path Benchmarks bench outbox --tidings .build/release/tidings

lint:
	$(SOURCES) lint --strict --parallel

format:
	$(SOURCES) format --in-place --parallel

clean:
	rm -rf .build .build-* Benchmarks/.build

dependencies:
	@scripts/install build

test-dependencies:
	@scripts/install test
