# The two commands are `make run` and `make test`; both need python3 (3.11 or newer) and make, nothing else.
PYTHON ?= python3
VENV := .venv/bin/python
# With it every start would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-fresh bench lock install

run:
	@$(PYTHON) broker_portal/embedded/install.py
	@exec $(VENV) -m broker_portal.embedded --parent $$PPID

test:
	@$(PYTHON) broker_portal/embedded/install.py --tests
	@exec $(VENV) -m tests.harness.suite

# From a copy of this checkout in an empty directory, with an empty home: as root, where we are root, and as an ordinary user.
test-fresh:
	@$(PYTHON) -m tests.harness.fresh

bench:
	@$(PYTHON) broker_portal/embedded/install.py --tests
	@exec $(VENV) -m tests.bench

install:
	@$(PYTHON) broker_portal/embedded/install.py --tests

# The locks, from the inputs in pyproject.toml.
LOCK := .venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11
lock: install
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --group dev -c requirements.txt -o tests/requirements.txt
