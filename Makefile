# make mix    set up, mix a shipped song three ways, write a page to listen to them
# make test   set up, run every test but the slow ones, and every notebook
# make test-unit   run every test but the slow ones
# make test-slow   the paper preset at full size with random weights; prints time and memory
# make fuzz FOLDERS=2000 SEED=0   mix so many random folders, and kill runs at every file operation (an hour or more)
# make test-notebooks   run every notebook, its assertions included
# make lint   check style, format and types (ruff, mypy)
# make book   build the book into _build/html
# make student STUDENT=folder   write the chapters without their solutions, for a class
# make listening-test LISTENING_TEST=folder   write the listening test of the book as one page to hand out to a class
# make solutions   run every chapter with its solutions in place of the empty cells; their checkers must agree
# make test-pages   build the book if it is not built yet or older than its sources, then open every page in a browser
# make stats   what each page of the built book holds: words, sounds, widgets, figures, questions, exercises
# make slides SLIDES=slides   cut slides for teaching out of the built book: open slides/index.html
# make lab    open the chapters in JupyterLab
# make desk DESK=folder   open the mixing desk in a browser: load stems, draw takes, direct them, export into the folder
# make addresses   ask every address that the book names and every download whether it is there (needs the network)
# make setup  everything a developer needs
# make clean  remove what was built (not the environment)
# make help   this list

PYTHON ?= python3
VENV   := .venv
ifeq ($(OS),Windows_NT)
BIN    := $(VENV)/Scripts
else
BIN    := $(VENV)/bin
endif
SONG   ?= data_samples/paper_boats
OUT    ?= mixes
STUDENT ?= student
SLIDES ?= slides
LISTENING_TEST ?= listening_test
DESK   ?= desk
# Written when a build of the book has ended well.
BOOK_BUILT := _build/.complete
# What the used files of laion-clap and fxencoder-plusplus import; their own dependencies would bring numpy 1 and more.
CLAP_NEEDS := torchvision h5py torchlibrosa huggingface_hub
export HF_HUB_OFFLINE = 1

.PHONY: mix test test-unit test-slow fuzz test-notebooks test-pages lint book stats slides student listening-test solutions lab desk addresses setup clean help

mix: $(VENV)/.core
	$(BIN)/megami mix "$(SONG)" --out "$(OUT)" --num-mixes 3 --page

test: test-unit test-notebooks

# Two processes of one thread each: most tests are too short for threads to pay.
test-unit: export OMP_NUM_THREADS = 1
test-unit: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile tests

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow -s tests

FOLDERS ?= 2000
SEED ?= 0
fuzz: export OMP_NUM_THREADS = 1
fuzz: $(VENV)/.test
	$(BIN)/python -m pytest tests/cli/test_killed_runs.py tests/cli/test_killed_mix.py
	MEGAMI_FUZZ_FOLDERS=$(FOLDERS) MEGAMI_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest tests/fuzz

# Waiting threads sleep instead of spinning: beside other programs, spinning makes a mix ten times as slow.
# Two chapters side by side, one thread each: most of their work is in pieces that gain little from a second one.
test-notebooks: export OMP_WAIT_POLICY = passive
test-notebooks: export OMP_NUM_THREADS = 1
test-notebooks: $(VENV)/.test
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout 600 -n 2 --dist loadfile book

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

book: $(VENV)/.test
	rm -f $(BOOK_BUILT)
	$(BIN)/jupyter-book build . --toc book/_toc.yml -n -W --keep-going
	touch $(BOOK_BUILT)

BOOK_SOURCES := $(wildcard book/*.ipynb book/*.md book/_ext/*.py book/_static/* book/*.yml book/*.bib) _config.yml \
  $(wildcard megami/*.py megami/*/*.* megami/*/*/*.py megami/notebook/*/* data_samples/*/*.* results/*.json)

$(BOOK_BUILT): $(VENV)/.test $(BOOK_SOURCES)
	$(MAKE) book

test-pages: $(BOOK_BUILT)
	$(BIN)/python -m pytest tests/book

stats: $(BOOK_BUILT)
	$(BIN)/python scripts/book_stats.py

slides: $(BOOK_BUILT)
	$(BIN)/python scripts/make_slides.py "$(SLIDES)"

student: $(VENV)/.test
	$(BIN)/python scripts/make_editions.py student "$(STUDENT)"

listening-test: $(VENV)/.core
	$(BIN)/python scripts/make_listening_test.py --out "$(LISTENING_TEST)"

solutions: $(VENV)/.test
	$(BIN)/python scripts/make_editions.py solutions

lab: $(VENV)/.test
	$(BIN)/python -c "import jupyterlab" 2>/dev/null || $(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt jupyterlab
	$(BIN)/jupyter lab book

# Uploaded stems come in messages of up to a gigabyte, where the usual limit is 10 MiB.
desk: $(VENV)/.core
	$(BIN)/python -c "import voila" 2>/dev/null || $(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e ".[desk]"
	MEGAMI_DESK_FROM="$(CURDIR)" MEGAMI_DESK="$(DESK)" $(BIN)/voila examples/desk.ipynb \
	  --Voila.tornado_settings="{'websocket_max_message_size': 1073741824}"

addresses: $(VENV)/.core
	$(BIN)/python scripts/check_addresses.py

setup: $(VENV)/.test

clean:
	rm -rf _build mixes .pytest_cache .ruff_cache .mypy_cache
	find megami tests book -name __pycache__ -type d -exec rm -rf {} +

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

$(VENV)/.uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q uv
	touch $@

$(VENV)/.core: $(VENV)/.uv pyproject.toml constraints.txt
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e ".[test,lint,book,studio,formats,data]" $(CLAP_NEEDS)
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt --no-deps laion-clap fxencoder-plusplus
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e ".[studio-voices]" \
	  || echo "pyworld could not be built (it needs a C++ compiler): tests of the studio's many voices are skipped"
	touch $@
