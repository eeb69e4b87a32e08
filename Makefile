# make mix    set up, mix a shipped song three ways, write a page to listen to them
# make test   set up, run every test but the slow ones, and every notebook
# make test-slow   the paper preset at full size with random weights; prints time and memory
# make book   build the book into _build/html
# make lab    open the chapters in JupyterLab
# make setup  everything a developer needs
# make clean  remove what was built (not the environment)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SONG   ?= data_samples/paper_boats
OUT    ?= mixes
# What the used files of laion-clap and fxencoder-plusplus import; their own dependencies would bring numpy 1 and more.
CLAP_NEEDS := torchvision h5py torchlibrosa huggingface_hub
export HF_HUB_OFFLINE = 1

.PHONY: mix test test-slow test-notebooks book lab setup clean

mix: $(VENV)/.core
	$(BIN)/megami mix "$(SONG)" --out "$(OUT)" --num-mixes 3 --page

test: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow" tests
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env book

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow -s tests

test-notebooks: $(VENV)/.test
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env book

book: $(VENV)/.test
	$(BIN)/jupyter-book build . --toc book/_toc.yml -n -W --keep-going

lab: $(VENV)/.test
	$(BIN)/python -c "import jupyterlab" 2>/dev/null || $(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt jupyterlab
	$(BIN)/jupyter lab book

setup: $(VENV)/.test

clean:
	rm -rf _build mixes .pytest_cache
	find megami tests book -name __pycache__ -type d -exec rm -rf {} +

$(VENV)/.uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q uv
	touch $@

$(VENV)/.core: $(VENV)/.uv pyproject.toml constraints.txt
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e ".[test,book,studio]" $(CLAP_NEEDS)
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt --no-deps laion-clap fxencoder-plusplus
	touch $@
