# Tidings: events with Kafka, for Swift.
#
#   make run     install what is missing, build, run the live example at http://127.0.0.1:8080
#   make test    install what is missing, build, pass all tests (KAFKA=host:9092 DATABASE=postgres://… use yours)
#   make prove   the same with the long sweeps
#   make bench   measure against the references; prints what docs/benchmarks.md reports
#   make build | lint | format | clean

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: run build test prove bench lint format clean dependencies test-dependencies

PORT ?= 8080
DATA ?= shop-data
SOURCES = git ls-files -z '*.swift' | xargs -0 swift format
# Only what was given: an empty address is not an address.
$(foreach name,KAFKA DATABASE,$(if $($(name)),$(eval export $(name))))

run: dependencies
	swift build -c release --product shop
	exec .build/release/shop all --port $(PORT) --data-dir $(DATA)

build: dependencies
	swift build -c release --product tidings
	swift build -c release --product shop

test: test-dependencies
	swift build --build-tests
	swift test --skip-build $(if $(FILTER),--filter $(FILTER))

prove: test-dependencies
	swift build --build-tests
	TIDINGS_PROVE=1 swift test --skip-build $(if $(FILTER),--filter $(FILTER))

bench: dependencies
	swift build -c release --product tidings
	swift run -c release --package-path Benchmarks bench client
	swift run -c release --package-path Benchmarks bench broker

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
