# SPDX-License-Identifier: Apache-2.0
# A thin face of meson. BUILD=DIR builds elsewhere, MESON_FLAGS=... is given to its setup.

BUILD ?= build
MESON_FLAGS ?=
DEMO_ROOT = $(BUILD)/demo-root
# Nothing where the build draws no charts.
DEMO_PLOT = $(if $(shell grep -l canvas_none.c $(BUILD)/build.ninja),,--vad-plot demo-vad.png)
SOURCES = $(shell git ls-files '*.c' '*.h' '*.cpp')
TIDY = $(filter src/%.c cli/%.c server/%.c tools/%.c examples/%.c,$(SOURCES))

.PHONY: all setup setup-onnx setup-browser build test test-long demo bench lint format install clean

all: build

# Install what is missing, with apt-get.
setup:
	@tools/setup.sh

# ONNX Runtime, for all that looks for faces.
setup-onnx:
	@tools/setup_onnx.sh

# Chromium and what drives it, for the test of the server's page.
setup-browser:
	@tools/setup_browser.sh $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(MESON_FLAGS) $(BUILD)

build: setup $(BUILD)/build.ninja
	ninja -C $(BUILD)
	@ln -sf cli/synctalk $(BUILD)/synctalk
	@for name in libsynctalk.so libsynctalk.so.0; do ln -sf src/api/$$name $(BUILD)/$$name; done

# The last line of the output counts the cases.
test: build
	@tools/setup_onnx.sh || echo "ONNX Runtime is not there: tests that need it are skipped" >&2
	@status=0; meson test -C $(BUILD) --no-rebuild --print-errorlogs --no-suite long || status=$$?; \
	python3 tests/summary.py $(BUILD)/meson-logs/testlog.json || status=1; exit $$status

# What takes minutes and hours: long sounds, training until it has converged, memory over time, a
# hundred kills; and an hour of load on the server under each sanitizer.
test-long: build
	@status=0; meson test -C $(BUILD) --no-rebuild --print-errorlogs --suite long || status=$$?; \
	python3 tests/summary.py $(BUILD)/meson-logs/testlog.json || status=1; exit $$status
	@for sanitizer in address,undefined thread; do \
		tools/test_sanitized.sh $(BUILD)-$${sanitizer%%,*} $$sanitizer server_load_long || exit 1; \
	done

# A rendered person who was trained like any other says a sentence in two languages, and rests
# in the pause of another.
demo: build
	rm -rf $(DEMO_ROOT)
	$(BUILD)/tools/demo/demo_person $(DEMO_ROOT) 12
	$(BUILD)/synctalk generate --root $(DEMO_ROOT) --model demo \
		--audio $(DEMO_ROOT)/demo.wav --blend face -o demo.mp4 -y
	$(BUILD)/synctalk generate --root $(DEMO_ROOT) --model demo --mode clips --vad builtin \
		--audio $(DEMO_ROOT)/demo-pause.wav --blend face $(DEMO_PLOT) --edl demo-clips.json \
		-o demo-clips.mp4 -y
	@test -n "$(DEMO_PLOT)" || echo "demo-vad.png is not drawn: this build is without cairo" >&2
	@echo "The videos are $(CURDIR)/demo.mp4 and demo-clips.mp4, the second with"
	@echo "demo-clips.json$(if $(DEMO_PLOT), and demo-vad.png) on which clip is seen when, and why"

# Tables go to the terminal, numbers to $(BUILD)/bench.json.
bench: build
	@meson test -C $(BUILD) --no-rebuild --benchmark --logbase benchmarklog --verbose; \
	python3 tests/bench/collect.py $(BUILD)/meson-logs/benchmarklog.json $(BUILD)/bench.json

lint: build
	clang-format --dry-run -Werror $(SOURCES)
	clang-tidy --quiet -p $(BUILD) $(TIDY)

format:
	clang-format -i $(SOURCES)

install: build
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) demo.mp4 demo-clips.mp4 demo-clips.json demo-vad.png
