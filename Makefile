# What people type. `make` says what there is; CMake and ninja do the work.
SHELL := /bin/bash
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# Models are looked for here before anything is downloaded (docs/formats/manifest.md).
ifneq ($(wildcard ../shared/models),)
export VISAVIS_MIRROR ?= $(abspath ../shared/models)
endif

PACKAGES = cmake ninja-build g++ pkg-config ca-certificates libcli11-dev nlohmann-json3-dev libfmt-dev \
  libjpeg-dev libpng-dev libwebp-dev libfreetype-dev fonts-dejavu-core libprotobuf-dev protobuf-compiler \
  libonnx-dev libcurl4-openssl-dev libssl-dev libgtest-dev libgmock-dev libboost-dev libcairo2-dev libeigen3-dev libonnx-testdata python3
# For the page of `visavis evaluate --report`, unless another Node.js with npm is there already.
WEB_PACKAGES = nodejs npm

.DEFAULT_GOAL := help
.PHONY: help deps build demo test install uninstall clean

help:
	@echo "make demo       build, then compare faces of three pairs of photos (pictures in $(BUILD)/demo)"
	@echo "make test       build and run all tests"
	@echo "make build      build only"
	@echo "make install    install under PREFIX (now $(PREFIX)); make uninstall takes it away again"
	@echo "make deps       install the Debian packages that the build needs (the others call it)"
	@echo "make clean      remove $(BUILD)"

# Installs only what is missing, with apt, and says so.
deps:
	@command -v dpkg-query > /dev/null || { echo "No dpkg here; the build needs what these Debian packages hold: $(PACKAGES)"; exit 0; }; \
	wanted="$(PACKAGES)"; command -v npm > /dev/null || wanted="$$wanted $(WEB_PACKAGES)"; \
	missing=$$(comm -23 <(printf '%s\n' $$wanted | sort) \
	  <(dpkg-query -W -f='$${Package} $${Status}\n' 2> /dev/null | sed -n 's/ install ok installed$$//p' | sort)); \
	if [ -n "$$missing" ]; then \
	  echo "Installing Debian packages:" $$missing; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -q && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

$(BUILD)/build.ninja: | deps
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=$(PREFIX)

build: deps $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS)

demo: deps $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS) --target visavis
	@scripts/demo.sh $(BUILD)

test: build
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

install: deps $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS) --target visavis visavis_library
	@cmake --install $(BUILD) --prefix $(PREFIX)

uninstall:
	@xargs rm -fv < $(BUILD)/install_manifest.txt

clean:
	@rm -rf $(BUILD)
