# The usual command: make test. STRICT=1 installs every component that the tests can use, and makes every skip a failure.
# AGAIN=1 runs only those tests that failed in the last run, one after the other.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# tests on booted machines mostly wait: one process runs them, another one the rest
TWO_AT_ONCE := --numprocesses=2 --dist=loadscope

.NOTPARALLEL:
.PHONY: test unit lint house fresh bench history-bench history-kills compare soak load fuzz siege storm crowd peers clean

test: $(VENV)/.test $(if $(STRICT),$(VENV)/.lint $(VENV)/.test-kerberos $(VENV)/.test-clients $(VENV)/.test-docs)
	LOGONSCOPE_REQUIRE=$(if $(STRICT),1,) $(BIN)/python -m pytest \
		$(if $(AGAIN),--last-failed --last-failed-no-failures=none,$(TWO_AT_ONCE) $(if $(STRICT),--durations=40))

unit: $(VENV)/.test  ## the tests without those on a booted machine (tests/real)
	$(BIN)/python -m pytest $(TWO_AT_ONCE) --ignore=tests/real

lint: $(VENV)/.lint  ## style, types, and which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

house: $(VENV)/.lint  ## the budgets of size, docstrings and names, with the present figures
	$(BIN)/python -m tests.house

fresh:  ## as root: README's commands as a new user types them, on fresh systems; ON="trixie host" for some of them
	$(PYTHON) -m tests.fresh $(ON)

bench: $(VENV)/.bench
	$(BIN)/python -m bench

compare: $(VENV)/.bench  ## this checkout beside BASE=REV in one run; BOUND=1.05 fails where it is slower; QUICK=1: smaller
	$(BIN)/python -m bench.compare $(BASE) $(if $(QUICK),--quick) $(if $(BOUND),--bound $(BOUND))

soak: $(VENV)/.test  ## ten minutes a system of logins, forks and detached processes, every answer held against the kernel's
	LOGONSCOPE_REQUIRE=1 LOGONSCOPE_CHURN_SECONDS=600 $(BIN)/python -m pytest -s tests/real/test_churn.py

load: $(VENV)/.test  ## 1,000 clients at once, 10,000 open enumerations, 100,000 requests
	$(BIN)/python -m tests.server.load

fuzz: $(VENV)/.test  ## random input: 200,000 queries, 100,000 requests, handshakes, cut requests, helpers, hosts
	LOGONSCOPE_FUZZ=200000 $(BIN)/python -m pytest -s tests/wql/test_fuzz.py tests/wql/test_lalr.py
	LOGONSCOPE_FUZZ=100000 $(BIN)/python -m pytest -s tests/server/test_fuzz.py tests/server/test_fuzz_entrance.py tests/server/test_fuzz_json.py
	LOGONSCOPE_FUZZ=100000 $(BIN)/python -m pytest -s tests/server/test_fuzz_handshakes.py tests/server/test_fuzz_partial_requests.py
	LOGONSCOPE_FUZZ=100000 $(BIN)/python -m pytest -s tests/sources/linux/test_fuzz_action_helper.py
	LOGONSCOPE_FUZZ=40000 $(BIN)/python -m pytest -s tests/server/test_visibility.py tests/server/test_visibility_over_json.py

siege: $(VENV)/.test  ## attacks on the packaged unit in a booted machine, and what they cost others; CASE="silent full-disk"; needs root
	$(BIN)/python -m tests.siege $(CASE)

history-bench: $(VENV)/.bench  ## a journal of 10,000,000 lifetimes: its size, its questions, a storm into it
	$(BIN)/python -m bench.history

history-kills: $(VENV)/.test  ## a writer of history killed at 300 random moments, and 300 losses of power: nothing acknowledged may be lost
	$(BIN)/python -m tests.journal.kills 300
	$(BIN)/python -m tests.journal.power_loss 300

storm: $(VENV)/.test  ## what the live source costs, and what it gets wrong beside storms of processes; as root; PARTS="memory pairs", SECONDS=60 a load
	$(BIN)/python -m tests.sources.live.storm $(if $(SECONDS),--seconds $(SECONDS)) $(if $(LIFETIMES),--lifetimes $(LIFETIMES)) $(PARTS)

crowd: $(VENV)/.test  ## 20,000 processes in 2,000 logins of this kernel, before and after logout; needs root
	$(BIN)/python -m tests.lab.crowd

peers: $(VENV)/.test  ## which login owns each of seven processes: Logonscope beside the rules of three peers; needs root
	$(BIN)/python -m tests.peers

$(VENV)/.%: pyproject.toml hatch_build.py $(wildcard src/logonscope/cim/schema/*.mof) src/logonscope/wql/grammar.lark
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
