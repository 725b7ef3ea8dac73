# Two commands: `make demo` and `make test`. They need Python 3.11 or newer, git and make; the rest goes into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test docs paper notebook pictures browser graphviz types install format bench fuzz crash attack schemathesis lock audit dist licences

demo: .venv/run ## the main job, end to end, on MovieLens (or on DATA=folder)
	$(BIN)/cinematrix demo --force $(if $(DATA),--data "$(DATA)")

test: .venv/dev browser ## format check, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory types
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist worksteal $(ARGS) # two workers, a thread each, and compiled modules for the programs that tests start

docs: .venv/dev graphviz ## the site, into docs/_build/index.html, its notebooks executed (on DATA=folder); a warning is an error
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(ON_DATA) $(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -c docs . docs/_build

paper: docs browser ## the paper as docs/_build/paper.pdf, printed by Chromium
	$$(command -v chromium || command -v chromium-browser) --headless --no-sandbox --virtual-time-budget=30000 --no-pdf-header-footer \
		--print-to-pdf=docs/_build/paper.pdf file://$(CURDIR)/docs/_build/docs/paper.html

notebook: .venv/notebook ## the notebooks in JupyterLab (on DATA=folder), where they can be changed and run
	$(ON_DATA) $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/docs/notebooks/1-textbook.md $(ARGS)

ON_DATA = $(if $(DATA),CINEMATRIX_DATA="$(abspath $(DATA))")

pictures: .venv/dev browser ## the demo's output and all screens of the page anew, from MovieLens (or DATA=folder)
	@fc-list | grep -qw Inter || { $(APT) fonts-inter; } || $(RED) "NO INTER HERE: the screens will have another font"
	$(BIN)/python docs/picture.py --model build/pictures $(if $(DATA),--data "$(DATA)")
	$(BIN)/python docs/screenshots.py build/pictures

APT := SUDO=$$([ $$(id -u) = 0 ] || echo sudo -n); command -v apt-get >/dev/null && $$SUDO apt-get update -qq && \
	$$SUDO apt-get install -qq -y --no-install-recommends
RED = printf '\033[31m%s\033[0m\n'

browser: ## Chromium and Firefox for the tests of the page, where apt and the right to use it are at hand
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { $(APT) chromium fonts-dejavu-core; } || \
		$(RED) "NO CHROMIUM HERE: the tests of the web page won't run"
	@command -v firefox-esr >/dev/null || command -v firefox >/dev/null || { $(APT) firefox-esr fonts-dejavu-core; } || \
		$(RED) "NO FIREFOX HERE: the evening in a second browser won't run"

graphviz: ## dot, which draws the packages for the documentation
	@command -v dot >/dev/null || { $(APT) graphviz; } || $(RED) "NO GRAPHVIZ HERE: the documentation can't be built"

TSC := tests/page/types/node_modules/.bin/tsc

types: ## types of the page's scripts, by TypeScript from npm where node and npm's registry are at hand
	@cd tests/page/types && { [ node_modules/.package-lock.json -nt package-lock.json ] || \
		npm ci --no-audit --no-fund --loglevel=error >/dev/null 2>&1 || true; }
	@if [ -x $(TSC) ] && command -v node >/dev/null; then $(TSC) -p jsconfig.json && $(TSC) -p tests/page/types/worker.json; \
		else $(RED) "NO TYPESCRIPT HERE: the types of the page aren't checked"; fi

install: .venv/run

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: .venv/dev ## look for files that the importers of exports trip over, for SECONDS (60)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,serve,dev,docs,fuzz]'
	cd tests/helpers && ../../$(BIN)/python fuzz_exports.py -max_total_time=$(or $(SECONDS),60) $(ARGS)

bench: .venv/dev ## measure the bars anew, into benchmarks/RESULTS.md
	$(BIN)/python benchmarks/bars.py

schemathesis: .venv/dev ## hold the API to its description with EXAMPLES (200) requests of each route and role
	CINEMATRIX_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/pytest -q -n 2 tests/service/test_schemathesis.py

crash: .venv/dev ## a thousand kills of the service while it is written to; WORKERS=2; SEED=7 plays one again
	OMP_NUM_THREADS=1 $(BIN)/python tests/helpers/crashes.py --kills 1000 --workers $(or $(WORKERS),1) $(if $(SEED),--seed $(SEED))

attack: .venv/dev ## attack a service on loopback for four minutes, and what else attackers may try; MODEL=folder
	OMP_NUM_THREADS=1 $(BIN)/python tests/helpers/attack_table.py $(or $(MODEL),model) --seconds $(or $(SECONDS),20)
	$(BIN)/pytest -q tests/store/test_erasure.py tests/service/test_proxies.py tests/service/test_movies.py -k "erasure or proxies or statistics"
	$(BIN)/pytest -q tests/page/test_accounts.py -k somebody_else

lock: .venv/tools ## pin what the service installs by SHA-256, in serve.lock, as constraints.txt says
	.venv/tools/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
		--generate-hashes --no-annotate --custom-compile-command "make lock" --constraint constraints.txt --extra serve \
		--output-file serve.lock pyproject.toml

audit: .venv/tools ## look up known vulnerabilities of what is in serve.lock, where PyPI's can be reached
	@found=$$(.venv/tools/bin/pip-audit --strict --require-hashes --disable-pip --requirement serve.lock 2>&1) || { \
		echo "$$found"; case "$$found" in *"known vulnerabilit"*) exit 1;; esac; \
		echo "NO ADVISORIES HERE: serve.lock isn't audited"; }

dist: .venv/dist ## wheel and sdist into dist/, checked and tried in empty environments; PYTHONS="python3.11 …", EXTRAS="none train …", TRY=--write
	rm -rf dist
	.venv/dist/bin/python -m build
	.venv/dist/bin/twine check --strict dist/*
	.venv/dist/bin/check-wheel-contents dist/*.whl
	$(PYTHON) benchmarks/installed.py dist/*.whl $(if $(PYTHONS),--pythons $(PYTHONS)) $(if $(EXTRAS),--extras $(EXTRAS)) $(TRY)

licences: .venv/dev ## the licences of all dependencies, into docs/licences.md; PEERS=folder has packages that aren't in .venv
	$(BIN)/python docs/licences.py $(PEERS)

.venv/dist:
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check build==1.6.1 twine==7.0.0 check-wheel-contents==0.6.3

.venv/tools:
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 pip-audit==2.10.1

.venv/run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is $$($(PYTHON) --version); Cinematrix needs Python 3.11 or newer: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,serve]'
	touch $@

.venv/notebook: .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,serve,notebook]'
	$(BIN)/jupytext-config --settings-file .venv/share/jupyter/lab/settings/overrides.json set-default-viewer markdown myst
	touch $@

.venv/dev: .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,serve,dev,docs]'
	touch $@
