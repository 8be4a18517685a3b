# `make run` and `make test` are all that a newcomer needs; `make check` is what a change must pass beside the tests.
.PHONY: run test check update load growth gates torture

CARGO ?= cargo
# Always of the whole workspace: another selection has other features, and would build the libraries again.
BUILD = $(CARGO) build --workspace
# Most tests wait about as long as they work.
THREADS = $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

run:
	$(BUILD) --bin lanyard
	target/debug/lanyard --demo serve

# Both databases; PostgreSQL's own programs are started and stopped here, and its half is left out where there are none.
test:
	$(BUILD) --bin lanyard
	$(BUILD) --bin lanyard-failpoints --features api/failpoints
	if $(CARGO) nextest --version >/dev/null 2>&1; \
	then integration-tests/tools/with-postgres $(CARGO) nextest run --workspace --test-threads $(THREADS) && $(CARGO) test --quiet --workspace --doc; \
	else integration-tests/tools/with-postgres $(CARGO) test --workspace; fi

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --workspace --test it -- architecture contract::the_file contract::every contract::the_reader the_page_ book::style book::glossary

# How fast it is, as ratios within one run of some minutes; needs PostgreSQL's programs, pgbench among them.
load:
	POSTGRES_OPTIONS='-c fsync=on -c full_page_writes=on' integration-tests/tools/with-postgres \
		$(CARGO) bench --package integration-tests --bench load

# How much slower it is with a million authorizations than with a thousand; takes several minutes.
growth:
	POSTGRES_OPTIONS='-c fsync=on -c full_page_writes=on' integration-tests/tools/with-postgres \
		$(CARGO) bench --package integration-tests --bench growth

# Writes the files that are generated: openapi.yaml, the examples, and what is generated of docs/. Look at what changed.
update:
	LANYARD_UPDATE=1 $(CARGO) test --quiet --workspace --test it -- contract:: architecture:: the_page_ walkthrough quick_start --skip postgres
	LANYARD_UPDATE=1 $(CARGO) test --quiet --workspace --test it -- contract:: architecture:: the_page_ walkthrough quick_start --skip postgres

# What the contract promises to those who only read it: linters, a fuzzer as each role on both databases, and clients made from it.
# Takes some minutes, Python with venv, and Chromium; the tools are installed beside the script, from PyPI and npm, where they are pinned.
gates:
	$(BUILD) --bin lanyard
	integration-tests/tools/with-postgres integration-tests/tools/gates

# Kills, starves, cuts off and fills up the release's own binary, with the numbers of the specification, and prints what it measured.
# Takes about an hour; needs PostgreSQL's programs and strace, and to be root for the part that mounts a small file system.
torture:
	$(CARGO) build --release --package api --features failpoints --bin lanyard-failpoints
	REQUIRE_POSTGRES=1 LANYARD_TEST_TORTURE=full LANYARD_TEST_BINARY=$(CURDIR)/target/release/lanyard-failpoints \
		integration-tests/tools/with-postgres $(CARGO) test --workspace --test it -- \
		torture_ --test-threads=1 --nocapture >target/torture.log 2>&1; \
	status=$$?; echo '| case | database | target | measured |'; grep -oE '[|] (C-[0-9]+|two nodes) [|].*' target/torture.log; \
	if [ $$status != 0 ]; then grep -vE '[|] (C-|two nodes)' target/torture.log; fi; exit $$status
