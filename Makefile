# Cloister: one build file. `make help` lists the targets.
#
#   CC=clang      the other compiler          SAN=1   AddressSanitizer and UBSan
#   DEBUG=1       no optimisation             BUILD=  where objects and binaries go
#   FUZZ=1        for libFuzzer (clang)       COVERAGE=1   counts the lines that are run (gcov)

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
SAN     ?=
DEBUG   ?=
FUZZ    ?=
COVERAGE ?=
BUILD   ?= build$(if $(SAN),/san)$(if $(FUZZ),/libfuzzer)$(if $(COVERAGE),/coverage)$(if $(filter clang%,$(CC)),/clang)
VERSION ?= 0.1.0
VENV     = $(or $(CLOISTER_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cloister)/venv

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wformat=2 -Wundef -Wwrite-strings -Wvla -Wcast-qual -Wpointer-arith \
            -Wimplicit-fallthrough -Wnull-dereference -Wswitch-enum -Werror
HARDEN   := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fstack-protector-strong \
            -fcf-protection=full -fPIE $(if $(filter clang%,$(CC)),,-ftrivial-auto-var-init=zero) \
            -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
LINK     := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
ifneq ($(SAN),)
HARDEN   := -fPIE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DARENA_DEBUG
LINK     := -pie -fsanitize=address,undefined
endif
# libFuzzer brings the main program and wants to know the branches that are taken.
ifneq ($(FUZZ),)
HARDEN   += -fsanitize=fuzzer-no-link
LINK     += -fsanitize=fuzzer
endif
ifneq ($(COVERAGE),)
HARDEN   := -fPIE --coverage
LINK     := -pie --coverage
endif
OPTIMISE := $(if $(COVERAGE),-O0,$(if $(DEBUG),-Og,-O2)) -g
CFLAGS   := -std=c17 -D_GNU_SOURCE -DCLOISTER_VERSION='"$(VERSION)"' $(OPTIMISE) $(WARNINGS) $(HARDEN) \
            -pthread -iquote lib -iquote operator -iquote worker -iquote client
LIBS     := -lcurl -ljansson -lyaml -lcrypto -lssl -levent -levent_openssl -levent_pthreads -pthread
BIN      := $(BUILD)/bin

sources   = $(shell find $(1) -name '*.c' 2>/dev/null | sort)
objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

LIB_SRC      := $(call sources,lib)
PURE_SRC     := $(call sources,operator/api operator/core)
SHELL_SRC    := $(call sources,operator/shell) operator/flags.c operator/verbosity.c
WORKER_SRC   := $(filter-out worker/main.c worker/exec/%,$(call sources,worker))
EXEC_SRC     := $(call sources,worker/exec)
CLIENT_SRC   := $(filter-out client/main.c,$(call sources,client))
UNIT_SRC     := $(wildcard tests/unit/t_*.c) $(wildcard tests/plan/t_*.c)
UNIT_HELP    := $(filter-out $(UNIT_SRC),$(call sources,tests/unit tests/plan))

LIB      := $(BUILD)/libcloister.a
PARTS    := $(BUILD)/libparts.a
PROGRAMS := $(BIN)/cloister-operator $(BIN)/cloister-worker $(BIN)/cloister-exec $(BIN)/kubectl-cloister
UNITS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT_SRC))

.PHONY: docs all lib programs fuzzers images demo cluster-up cluster-down deps test test-unit test-integration test-e2e \
        test-san sim mutants fuzz fuzz-replay fuzz-coverage lint fmt bench-decrypt bench-operator clean help
.DELETE_ON_ERROR:
.SECONDARY:

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

all: programs $(BIN)/digits ## build the programs and the example trainer
programs: $(PROGRAMS)
lib: $(LIB)

# A static archive is rebuilt whole, so that objects of deleted files do not linger.
$(LIB): $(call objects,$(LIB_SRC))
	@rm -f $@ && ar rcs $@ $^
$(PARTS): $(call objects,$(PURE_SRC) $(SHELL_SRC) $(WORKER_SRC) $(CLIENT_SRC))
	@rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(BIN)/cloister-operator: $(call objects,operator/main.c $(PURE_SRC) $(SHELL_SRC)) $(LIB)
$(BIN)/cloister-worker: $(call objects,worker/main.c $(WORKER_SRC)) $(LIB)
$(BIN)/kubectl-cloister: $(call objects,client/main.c $(CLIENT_SRC)) $(LIB)
$(BIN)/cloister-operator $(BIN)/cloister-worker $(BIN)/kubectl-cloister:
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) $(LINK) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

# cloister-exec runs inside any image, so it is static and knows no library but libc.
$(BIN)/cloister-exec: $(EXEC_SRC) $(wildcard worker/exec/*.h) lib/agentapi/gate_protocol.h lib/agentapi/pod.h
	@mkdir -p $(@D)
	@echo "  LINK  $@ (static)"
	@$(CC) $(filter-out -fPIE -fsanitize=% -fno-sanitize-recover=%,$(CFLAGS)) -static $(EXEC_SRC) -o $@

# The example is somebody's program: plain C, no library.
$(BIN)/digits: $(wildcard docs/examples/digits/*.c docs/examples/digits/*.h)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) $(LINK) $(filter %.c,$^) -lm -o $@

# ---- tests ----
.SECONDEXPANSION:
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call objects,$(UNIT_HELP)) $(PARTS) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $(filter %.o,$^) $(PARTS) $(LIB) -lcmocka $(LIBS) -o $@

units: $(UNITS) $(PROGRAMS)
test-unit: ## run unit tests and plan cases, in seconds
	@tests/tools/setup build
	@$(MAKE) --no-print-directory units
	@BUILD=$(BUILD) tests/tools/run-units $(UNITS)
test-san: ## run unit tests and plan cases under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory SAN=1 test-unit
test-integration: ## test the operator with a real API server, worker and plugin with the test cloud
	@tests/tools/run integration
test-e2e: ## test the job of the demo on a real cluster, with all faults
	@tests/tools/run e2e
test: ## install dependencies and run all tests
	@tests/tools/run all

# ---- the real thing ----
deps: ## install the dependencies for building and testing
	@tests/tools/setup all
images: all ## build OCI archives of operator, worker and example
	@tests/support/images/build
cluster-up: ## start a real two-node cluster and print how to use it
	@tests/tools/setup all && tests/support/cluster/cluster up
cluster-down: ## stop the cluster and remove its files
	@tests/support/cluster/cluster down
demo: ## train the digits model on a real cluster, end to end
	@tests/tools/demo/demo

bench-decrypt: ## compare decryption with openssl speed
	@tests/tools/setup build
	@$(MAKE) --no-print-directory $(BUILD)/bench/decrypt
	@tests/bench/decrypt.sh $(BUILD)/bench/decrypt
bench-operator: ## compare the operator with the Job controller and JobSet: memory, speed, latency, restart
	@tests/tools/setup all && tests/bench/setup
	@$(MAKE) --no-print-directory $(BIN)/cloister-operator $(BUILD)/bench/pod_bytes
	@BUILD=$(BUILD) $(VENV)/bin/python -B tests/bench/operator/bench.py
# Of the shell, what does no I/O: the simulation is their client and their loop.
CACHE_SRC := operator/shell/cache/caches.c operator/shell/cache/pods_by_job.c operator/shell/cache/expectations.c lib/kube/informer.c lib/kube/store.c lib/kube/framer.c \
             lib/kube/framer_protobuf.c
SIM_SRC    := $(filter-out tests/sim/volume/% tests/sim/checkpoint/%,$(call sources,tests/sim))
SIM_OBJ    := $(call objects,$(SIM_SRC) $(PURE_SRC) $(CACHE_SRC))
VOLUME_SRC := $(call sources,worker/volume)
VOLUME_SIM := $(call objects,$(call sources,tests/sim/volume) tests/sim/seen.c tests/sim/dice.c)
# Of the agent, what reads and writes checkpoints: the simulation is their bucket, their watcher and their operator.
CHECKPOINT_SRC := $(VOLUME_SRC) $(call sources,worker/checkpoint) $(patsubst %,worker/agent/%.c,checkpoints restore destinations remembered room restore_room input_room unseen named_path)
CHECKPOINT_SIM := $(call objects,$(call sources,tests/sim/checkpoint) tests/sim/seen.c tests/sim/dice.c)
sim: ## test plan() with a model of the cluster, and checkpoints with models of programs and buckets
	@tests/tools/setup build
	@$(MAKE) --no-print-directory $(patsubst %,$(BUILD)/tests/sim/%,sim volume_sim checkpoint_sim)
	@$(BUILD)/tests/sim/sim
	@$(BUILD)/tests/sim/volume_sim
	@$(BUILD)/tests/sim/checkpoint_sim
$(BUILD)/tests/sim/checkpoint_sim: $(CHECKPOINT_SIM) $(PARTS) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $^ $(LIBS) -o $@
$(BUILD)/tests/sim/volume_sim: $(VOLUME_SIM) $(call objects,$(VOLUME_SRC)) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $^ $(LIBS) -o $@
$(BUILD)/tests/sim/sim: $(SIM_OBJ) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $(SIM_OBJ) $(LIB) $(LIBS) -o $@

# Seeded bugs are built into copies of the sources, so that the product's own know nothing of them.
MUTABLE_CHECKPOINT := $(CHECKPOINT_SRC) lib/seal/head.c lib/seal/head_store.c lib/seal/manifest.c lib/seal/manifest_store.c lib/seal/manifest_entry.c
MUTABLE_SRC := $(PURE_SRC) $(CACHE_SRC) $(MUTABLE_CHECKPOINT)
MUTANTS     := $(BUILD)/mutants
mutated      = $(patsubst %.c,$(MUTANTS)/%.o,$(1) tests/mutants/mutant.c)
MUTATED     := $(call mutated,$(MUTABLE_SRC))
MUTANT_UNIT := $(patsubst %,$(MUTANTS)/%,plan/t_plan unit/t_facts unit/t_render unit/t_render_placement unit/t_render_policy unit/t_render_queueing \
               unit/t_job_decode unit/t_store unit/t_volume unit/t_snapshot unit/t_ancestry unit/t_committer unit/t_manifest unit/t_publish)
mutants: ## check that the tests detect seeded bugs
	@tests/tools/setup build
	@tests/mutants/generate $(MUTANTS)/src $(MUTABLE_SRC)
	@$(MAKE) --no-print-directory $(MUTANT_UNIT) $(patsubst %,$(MUTANTS)/%,sim volume_sim checkpoint_sim)
	@tests/mutants/run $(MUTANTS)
$(MUTANTS)/%.o: $(MUTANTS)/src/%.c tests/mutants/mutant.h
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(filter-out $(WARNINGS),$(CFLAGS)) -iquote tests/mutants -MMD -MP -c $< -o $@
$(MUTANTS)/tests/mutants/mutant.o: tests/mutants/mutant.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c $< -o $@
$(MUTANT_UNIT): $(MUTANTS)/%: $(BUILD)/obj/tests/%.o $(call objects,$(UNIT_HELP)) $(MUTATED) $(PARTS) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $(filter %.o,$^) $(PARTS) $(LIB) -lcmocka $(LIBS) -o $@
$(MUTANTS)/sim: $(call objects,$(SIM_SRC)) $(call mutated,$(PURE_SRC) $(CACHE_SRC)) $(LIB)
$(MUTANTS)/volume_sim: $(VOLUME_SIM) $(call mutated,$(VOLUME_SRC)) $(LIB)
$(MUTANTS)/checkpoint_sim: $(CHECKPOINT_SIM) $(call mutated,$(MUTABLE_CHECKPOINT)) $(PARTS) $(LIB)
$(MUTANTS)/sim $(MUTANTS)/volume_sim $(MUTANTS)/checkpoint_sim:
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $^ $(LIBS) -o $@

# ---- fuzzing: one program for each tests/fuzz/f_NAME.c, with its inputs in tests/fuzz/corpus/NAME ----
# Beside lib, what the targets use of the programs.
FUZZ_PARTS := operator/core/model/pod_wire.c operator/core/model/report_facts.c operator/api/progress_json.c \
              worker/agent/progress.c worker/agent/gate_words.c worker/exec/link.c
# What reads bytes from outside: the inputs alone must reach 90 % of the lines of each.
FUZZED     := lib/crypt/keyset.c lib/data/protobuf.c lib/data/skim.c lib/data/js.c lib/data/field.c lib/data/quantity.c lib/kobj/wire.c \
              lib/kube/framer.c lib/kube/framer_protobuf.c lib/agentapi/report.c lib/agentapi/assignment.c worker/agent/progress.c \
              lib/seal/head.c lib/seal/manifest.c lib/seal/manifest_entry.c worker/agent/gate_words.c \
              lib/kube/kubeconfig_entries.c lib/data/yaml.c lib/net/http.c lib/net/url.c lib/net/ranges.c lib/gcp/byte_range.c \
              lib/gcp/gcs_page.c lib/gcp/gcs_resource.c
FUZZ_SRC   := $(wildcard tests/fuzz/f_*.c)
FUZZ_HELP  := tests/fuzz/fuzz.c $(if $(FUZZ),,tests/fuzz/replay.c)
FUZZERS    := $(patsubst f_%.c,$(BUILD)/fuzz/%,$(notdir $(FUZZ_SRC)))
fuzzers: $(FUZZERS)
fuzz: ## search for inputs that break the readers of untrusted bytes: FUZZ_SECONDS=60 each, FUZZ_TARGETS=all
	@tests/tools/setup build
	@$(MAKE) --no-print-directory CC=clang SAN=1 FUZZ=1 BUILD=build/libfuzzer fuzzers
	@tests/fuzz/run search build/libfuzzer/fuzz
fuzz-replay: fuzzers ## read the inputs in tests/fuzz/corpus once more
	@tests/fuzz/run replay $(BUILD)/fuzz
fuzz-coverage: ## check that these inputs reach 90 % of the lines of what they are for
	@tests/tools/setup build
	@$(MAKE) --no-print-directory COVERAGE=1 BUILD=build/coverage fuzzers
	@tests/fuzz/run coverage build/coverage $(FUZZED)
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/f_%.o $(call objects,$(FUZZ_HELP) $(FUZZ_PARTS)) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

$(BUILD)/bench/decrypt: tests/bench/decrypt.c $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $< $(LIB) $(LIBS) -o $@
$(BUILD)/bench/pod_bytes: tests/bench/operator/pod_bytes.c $(PARTS) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $< $(PARTS) $(LIB) $(LIBS) -o $@

lint: ## check the rules of the code (tests/tools/lint/rules)
	@tests/tools/setup build
	@tests/tools/setup venv
	@$(VENV)/bin/python tests/tools/lint/lint
fmt: ## format the C code
	@clang-format -i $$(git ls-files '*.c' '*.h')
docs: ## generate the reference pages from the sources
	@tests/tools/setup venv
	@$(VENV)/bin/python tests/tools/docs/generate.py
clean: ## remove build files
	@rm -rf build

-include $(shell find $(BUILD)/obj $(BUILD)/mutants -name '*.d' 2>/dev/null)
