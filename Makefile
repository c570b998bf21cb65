# Tidings: events with Kafka, for Swift.
#
#   make run     install what is missing, build, run the live example at http://127.0.0.1:8080
#   make test    install what is missing, build, pass all tests (KAFKA=host:9092 DATABASE=postgres://… use yours, but
#                for the tests that kill theirs); leaves pictures of all pages of the shop in .build/screenshots
#   make prove   the same with the long sweeps and further clients
#   make compatibility             have clients of others do all they can; writes docs/compatibility.md
#   make compatibility-librdkafka  librdkafka's own tests against our broker; writes into the same page
#   make fuzz    libFuzzer on everything that reads bytes from outside, SECONDS_EACH (60) for each target
#   make bench   measure against the references; prints what docs/benchmarks.md reports
#   make bench-growth  how the broker's costs grow with partitions, connections and a log's length; needs 25 GB of disk
#   make docs    tutorials and reference of all libraries as pages at http://127.0.0.1:8090
#   make build | lint | format | clean

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: run build test prove compatibility compatibility-librdkafka fuzz bench bench-growth docs lint format clean \
	dependencies test-dependencies prove-dependencies

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
prove: prove-dependencies test

compatibility: prove-dependencies
	swift build --product tidings
	.build-python/bin/python Tests/Compatibility/run.py --tidings .build/debug/tidings --write docs/compatibility.md

compatibility-librdkafka: prove-dependencies
	swift build -c release --product tidings
	Tests/Compatibility/build-librdkafka .build-clients/librdkafka
	Tests/Compatibility/librdkafka.py --tests .build-clients/librdkafka/tests --tidings .build/release/tidings \
		--write docs/compatibility.md

SECONDS_EACH ?= 60
fuzz: dependencies
	swift build --package-path Fuzz --scratch-path .build-fuzz --sanitize fuzzer
	/usr/bin/python3 Fuzz/corpus.py .build-fuzz/corpus
	for target in messages batches recovery; do \
		FUZZ_TARGET=$$target .build-fuzz/debug/Fuzz .build-fuzz/corpus/$$target -max_total_time=$(SECONDS_EACH) \
			-artifact_prefix=.build-fuzz/$$target- -print_final_stats=1 -timeout=10 -rss_limit_mb=1024 || exit 1; \
	done

bench: dependencies
	swift build $(RELEASE) --product tidings
	swift run -c release --package-path Benchmarks bench client --tidings .build/release/tidings
	swift run -c release --package-path Benchmarks bench broker --tidings .build/release/tidings
	swift run -c release --package-path Benchmarks bench outbox --tidings .build/release/tidings
	swift run -c release --package-path Benchmarks bench view --tidings .build/release/tidings
	swift run -c release --package-path Benchmarks bench history --tidings .build/release/tidings \
		--plot docs/images/history.svg

bench-growth: dependencies
	swift build $(RELEASE) --product tidings
	swift run -c release --package-path Benchmarks bench broker growth --tidings .build/release/tidings \
		--plots docs/images

docs: dependencies
	scripts/docs --serve

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

prove-dependencies:
	@scripts/install prove
