# servegrid: two commands do all set-up on a machine with Go, gcc and make.
#   make sweep   run the main job and show its result
#   make test    run the tests

GO        ?= go
PREFIX    ?= /usr/local
WAREHOUSE ?= warehouse
VENV      ?= .cache/python
BIN       := bin/servegrid
SOURCES   := $(shell find . \( -path ./.cache -o -path ./internal/kubetest \) -prune -o \( -name '*.go' -o -name '*.sql' -o -name '*.yaml' -o -name '*.tbl' -o -name '*.tmpl' -o -path '*/web/assets/*' -o -path './estimator/calibrate/data/*' \) -print) go.mod go.sum

# Pinned, so that a new release cannot break the build.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

# Figures of the guide's workload; `make sweep` looks them up on every system.
MODEL := Qwen/Qwen3-32B-FP8

.PHONY: all build build-sweep cloud install sweep calibrate validate test check format vet staticcheck tidy race fuzz bench test-python test-notebooks test-s3 test-web test-k8s load-web accuracy tables clean

all: build

build: $(BIN)

# Symbols are left out: they double the size and help nobody who runs it. So are the
# symbols of DuckDB that Go's linker would offer to shared libraries, and the manual
# page writer of the flag library: both cost a millisecond at every start.
LDFLAGS := -s -w
ifeq ($(shell uname),Linux)
LDFLAGS += -extldflags -Wl,--no-export-dynamic
endif
$(BIN): $(SOURCES)
	$(GO) build -trimpath -tags urfave_cli_no_docs -ldflags '$(LDFLAGS)' -o $@ ./cmd/servegrid

# The program without SQL and with buckets, for the pods of a sweep: one static file.
build-sweep: bin/servegrid-sweep

bin/servegrid-sweep: $(SOURCES)
	CGO_ENABLED=0 $(GO) build -tags cloud,urfave_cli_no_docs -trimpath -ldflags '-s -w' -o $@ ./cmd/servegrid

# The same program with the libraries of the cloud providers, whose initialization costs
# several ms at every start: bin/servegrid hands commands over to it that need a bucket.
CLOUD := bin/servegrid-cloud
cloud: build $(CLOUD)

$(CLOUD): $(SOURCES)
	$(GO) build -trimpath -tags urfave_cli_no_docs,cloud -ldflags '$(LDFLAGS)' -o $@ ./cmd/servegrid

install: build cloud
	install -D -m 0755 $(BIN) $(DESTDIR)$(PREFIX)/bin/servegrid
	install -D -m 0755 $(CLOUD) $(DESTDIR)$(PREFIX)/bin/servegrid-cloud
	ln -sf servegrid $(DESTDIR)$(PREFIX)/bin/aiconfigurator

# The main job, end to end: score, write Parquet, ask SQL, plot.
sweep: build
	$(BIN) sweep demo --warehouse $(WAREHOUSE)
	@echo
	@echo 'Best configuration for $(MODEL), ISL 4000, OSL 500, 8 GPUs, TTFT <= 600 ms, TPOT <= 16.67 ms, on every system:'
	@$(BIN) best --warehouse $(WAREHOUSE) --model $(MODEL) --isl 4000 --osl 500 --total-gpus 8 --ttft 600 --tpot 16.67 --top-n 1
	@$(BIN) frontier --warehouse $(WAREHOUSE) --model $(MODEL) --isl 4000 --osl 500 --total-gpus 8 --plot $(WAREHOUSE)/frontier.png >/dev/null

# The constants of the calibrated estimator, from the measurements beside them: the
# same bytes every time. Twenty seconds on two cores.
calibrate: build
	$(BIN) calibrate --out estimator/calibrate/data/constants.json

# How far the calibrated estimator is from real servers, each row predicted with
# constants that were fitted without its group: the tables and the picture of
# docs/accuracy.md, and what answers say about their error. Two minutes on two cores.
validate: build
	$(BIN) validate --split group --by mode,class/mode,class,backend/mode,class,backend,system,model \
		--rows estimator/calibrate/data/judged.csv.gz --plot docs/img/validation.png
	$(GO) test ./estimator/calibrate -run TestStoredErrors -update

test:
	$(GO) test ./...

# What a change has to pass.
check: format vet staticcheck tidy race test-python test-notebooks test-web

format:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted (run gofmt -w):"; echo "$$out"; exit 1; }

vet:
	$(GO) vet ./...
	$(GO) vet -tags cloud ./cmd/servegrid
	@# Everything but the SQL side builds without cgo.
	CGO_ENABLED=0 $(GO) vet ./estimator/... ./perftables/... ./grid/... ./jobs/... ./pipeline/... ./sinks/... ./internal/...

staticcheck:
	$(GO) run $(STATICCHECK) ./...

tidy:
	$(GO) mod tidy -diff
	$(GO) mod verify

race:
	$(GO) test ./...
	$(GO) test -race -short ./...

# How far the answers are from AIConfigurator's: rows, errors, worst relative
# error and its row, by kind, model, system and backend.
accuracy:
	@$(GO) test -count=1 -v -run 'Oracle' ./perftables ./estimator/... | grep -E 'rows|workloads|compared|FAIL' | sed -E 's/^ *[a-z_]+_test.go:[0-9]+: //'

# Every fuzz target for a while; the seeds alone run with the tests.
FUZZTIME ?= 10s
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

# Speed, memory and size: a table, and bench.json. PEER_PYTHON=… adds the ratio to
# AIConfigurator, BENCH='-only scored' chooses. See docs/performance.md. Questions are
# timed on $(WAREHOUSE) where make sweep has made it.
bench: build
	$(GO) run ./cmd/bench -servegrid $(BIN) $(BENCH)
	SERVEGRID_WAREHOUSE=$(if $(wildcard $(WAREHOUSE)/tables),$(abspath $(WAREHOUSE))) $(GO) test -run '^$$' -bench . -benchmem ./queries

# The written files, read by other tools: duckdb, pandas, polars and fastparquet in
# Python; what describes images and tables to other programs, by parsers of theirs.
test-python: build $(VENV)/.ready
	$(VENV)/bin/hadolint jobs/docker/Dockerfile jobs/docker/Dockerfile.sweep
	$(VENV)/bin/python queries/testdata/python/read_warehouse.py $(BIN)

$(VENV)/.ready: queries/testdata/python/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r queries/testdata/python/requirements.txt
	touch $@

# The notebooks, executed with each of these DuckDBs and compared with the program.
NOTEBOOKS := queries/notebooks
DUCKDBS   := 1.5.5 2.0.0

test-notebooks: build $(DUCKDBS:%=.cache/notebooks-%/.ready)
	@for v in $(DUCKDBS); do .cache/notebooks-$$v/bin/python $(NOTEBOOKS)/run.py $(BIN) || exit 1; done

.cache/notebooks-%/.ready: $(NOTEBOOKS)/requirements.txt
	python3 -m venv .cache/notebooks-$*
	.cache/notebooks-$*/bin/pip install --quiet --disable-pip-version-check -r $< duckdb==$*
	touch $@

# Buckets over versitygw, a real S3 server, on loopback: processes that share a sweep, fifty
# kills over a line that fails again and again, DuckDB's httpfs. A minute; building
# the server takes two, once.
VERSITYGW := v1.8.0
S3_SERVER := .cache/versitygw-$(VERSITYGW)/versitygw
HTTPFS    := .cache/httpfs-1.5.5/duckdb_extension_httpfs/extensions/v1.5.5/httpfs.duckdb_extension
test-s3: cloud $(S3_SERVER) $(HTTPFS) $(VENV)/.ready
	SERVEGRID_PROGRAM=$(abspath $(BIN)) SERVEGRID_S3_SERVER=$(abspath $(S3_SERVER)) SERVEGRID_HTTPFS=$(abspath $(HTTPFS)) SERVEGRID_PYTHON=$(abspath $(VENV)/bin/python) \
		$(GO) test -count=1 -run '^TestServer' ./sinks/bucket

$(S3_SERVER):
	GOBIN=$(abspath $(@D)) GOFLAGS=-p=1 $(GO) install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW)

# DuckDB's extension, signed, in the form in which it loads without a network.
$(HTTPFS): | $(VENV)/.ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --target .cache/httpfs-1.5.5 duckdb-extension-httpfs==1.5.5
	touch $@

# The page in a real browser: Chromium and Node.js from the system, two pinned
# libraries. SHOTS=folder keeps pictures of every panel; CHROMIUM in the
# environment is another browser than /usr/bin/chromium.
BROWSER := cmd/servegrid/internal/web/browser
test-web: build $(BROWSER)/node_modules/.ready
	node $(BROWSER)/walk.mjs $(abspath $(BIN)) $(abspath $(SHOTS))

$(BROWSER)/node_modules/.ready: $(BROWSER)/package-lock.json
	npm ci --no-audit --no-fund --silent --prefix $(BROWSER)
	touch $@

# What "jobs render" prints, run by a real control plane on loopback: etcd, API server
# and controllers, built from source the first time (ten minutes and more, 2 GB of
# modules), then two minutes. A program of the test stands in for scheduler and kubelet.
KUBE := $(abspath .cache/k8s)
test-k8s: build build-sweep $(KUBE)/.ready
	cd internal/kubetest && $(GO) vet . && KUBE_PROGRAMS=$(KUBE) SERVEGRID=$(abspath $(BIN)) SERVEGRID_SWEEP=$(abspath bin/servegrid-sweep) \
		$(GO) test -count=1 -v .

$(KUBE)/.ready: internal/kubetest/go.mod
	cd internal/kubetest && export CGO_ENABLED=0 && nice $(GO) build -p 1 -trimpath -ldflags '-s -w' -o $(KUBE)/etcd go.etcd.io/etcd/server/v3 && \
		nice $(GO) build -p 1 -trimpath -ldflags '-s -w' -o $(KUBE)/ k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager
	touch $@

# A hundred users of the page at once, and how long they wait.
load-web:
	@SERVEGRID_LOAD=1 $(GO) test -count=1 -v -run TestWebManyUsers ./cmd/servegrid | grep -E 'requests of|FAIL|ok'

# Make the embedded tables from the original measurements; see cmd/importtables.
tables:
	@test -n "$(FROM)" || { echo 'usage: make tables FROM=<folder systems/data of AIConfigurator 0.6.0>'; exit 2; }
	$(GO) run ./cmd/importtables -from $(FROM)

clean:
	rm -rf bin .cache warehouse
