# hogar. `make` lists what there is.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

# Go 1.26 or newer. Older ones would fail with messages about the code.
GO_FOUND := $(shell $(GO) env GOVERSION 2>/dev/null)
define need_go
@case "$(GO_FOUND)" in \
  "") echo "hogar is built with Go 1.26 or newer, and no '$(GO)' was found: https://go.dev/dl/"; exit 1;; \
  go1.[0-9]|go1.[0-9].*|go1.1[0-9]*|go1.2[0-5]|go1.2[0-5].*|go1.2[0-5]rc*) \
    echo "hogar is built with Go 1.26 or newer, found $(GO_FOUND): https://go.dev/dl/"; exit 1;; \
esac
endef

.PHONY: help
help: ## list the targets
	@echo "hogar, the smart-home gateway for AMQP. Targets:"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

.PHONY: build
build: ## build/hogar, for this machine
	$(need_go)
	@$(BUILD) -o build/hogar ./cmd/hogar

.PHONY: demo
demo: ## a simulated home on a real RabbitMQ, with rules and commands to try
	$(need_go)
	@sh .ci/install.sh rabbitmq-server amqp-tools
	@echo "building hogar ..."
	@$(BUILD) -o build/hogar ./cmd/hogar
	@$(BUILD) -o build/demomqtt ./cmd/demomqtt
	@build/demomqtt -- build/hogar demo --config configs/demo.yaml --with-mqtt

.PHONY: test
test: ## all tests with the race detector, on a RabbitMQ and a Mosquitto of their own
	$(need_go)
	@sh .ci/install.sh gcc libc6-dev rabbitmq-server mosquitto prometheus amqp-tools curl python3 strace systemd
	CGO_ENABLED=1 $(GO) test -race -timeout 9m ./...

# armhf is shipped: what counts in int must hold in 32 bits. Left out is what starts
# brokers or houses, and what never runs on a Pi.
NOT_32 = ^hogar/(bridge(/.*)?|gateway|systemd|cmd/.*)$$
.PHONY: test-32
test-32: ## the tests that need no broker, as 32-bit code (GOARCH=386)
	$(need_go)
	GOARCH=386 CGO_ENABLED=0 $(GO) test -timeout 5m $$($(GO) list ./... | grep -vE '$(NOT_32)')

# A Debian 13 with newer brokers: RabbitMQ 4.0 and Mosquitto 2.0.21.
DEBIAN13 = $(CURDIR)/build/debian13
.PHONY: debian13 test-13 check-13
debian13: ## build/debian13, made once: a Debian 13 with RabbitMQ 4.0, as root
	@sh .ci/install.sh debootstrap
	@sh .ci/debian13.sh $(DEBIAN13)

test-13: debian13 ## the tests that need brokers, on RabbitMQ 4.0 and Mosquitto 2.0.21, as root
	$(need_go)
	HOGAR_RABBITMQ=$(DEBIAN13) $(GO) test -count=1 -timeout 20m ./bridge/... ./gateway ./cmd/hogar

check-13:
	@if [ "$$(id -u)" != 0 ]; then \
	  echo "left out, because debootstrap and chroot need root: the tests on RabbitMQ 4.0 and Mosquitto 2.0.21, and the torture of them (make test-13, as root)"; \
	else \
	  $(MAKE) --no-print-directory test-13 && $(MAKE) --no-print-directory torture-short RABBITMQ=$(DEBIAN13); fi

# RABBITMQ=build/debian13 has torture, torture-cluster and bench use the brokers of that Debian.
BROKERS = $(if $(RABBITMQ),HOGAR_RABBITMQ=$(abspath $(RABBITMQ)))

.PHONY: vm-test
vm-test: ## the house on real kernels in virtual machines: pins, I2C, RabbitMQ
	$(need_go)
	@sh .ci/install.sh qemu-system-arm rabbitmq-server
	@sh .ci/kernels.sh build/vm || [ -z "$$CI" ]
	HOGAR_VM=$(CURDIR)/build/vm $(GO) test -count=1 -timeout 15m -p 1 -v -run RealKernel ./drivers/board ./drivers/scan ./cmd/hogar

.PHONY: soak
soak: ## fourteen simulated days with a fault each minute (SOAK=days)
	HOGAR_SOAK=$${SOAK:-14} $(GO) test -count=1 -timeout 30m -v -run TestSoak ./gateway

# Chromium is Debian's; what drives it comes from npm, as package-lock.json pins it.
WEBTEST = gateway/web/webtest
.PHONY: web-test screenshots
web-test: ## the page in a real browser; screens are in build/web-test
	$(need_go)
	@sh .ci/install.sh rabbitmq-server chromium fonts-inter
	@command -v npm >/dev/null || sh .ci/install.sh nodejs npm
	@cd $(WEBTEST) && npm ci --no-audit --no-fund --silent
	@$(BUILD) -o build/hogar ./cmd/hogar
	@$(BUILD) -o build/demomqtt ./cmd/demomqtt
	@rm -rf build/web-test
	HOGAR_BROWSER=$$(command -v chromium) HOGAR_PROGRAMS=$(CURDIR)/build $(GO) test -count=1 -timeout 10m -run TestPageInABrowser -v ./cmd/hogar

screenshots: web-test ## the README's pictures of the page, anew
	cp build/web-test/page-light.png build/web-test/page-dark.png docs/

.PHONY: check
check: format vet fix staticcheck imports test-32 configs unit cross emulate emulate-rules dist-check vm-test vm-check clean-tree ## everything CI checks beside the tests

.PHONY: format
format:
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not gofmt'ed:"; echo "$$out"; exit 1; }

.PHONY: vet
vet:
	$(GO) vet ./...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./...

.PHONY: fix
fix:
	$(GO) fix -diff ./...

# A tool, not a dependency: it has its own go.mod in the module cache.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
.PHONY: staticcheck
staticcheck:
	$(GO) run $(STATICCHECK) ./...

.PHONY: imports
imports:
	$(GO) test -count=1 -run TestImports ./gateway

.PHONY: configs
configs: build
	@for f in $(filter-out %_test.yaml %_catalog.yaml,$(wildcard configs/*.yaml)); do build/hogar check "$$f" || exit 1; done
	build/hogar rule test configs

# systemd wants the program of the unit to exist, so the one just built stands in for it.
.PHONY: unit
unit: build
	@sh .ci/install.sh systemd
	@sed 's|/usr/bin/hogar|$(CURDIR)/build/hogar|' systemd/hogar.service >build/hogar.service
	systemd-analyze verify --man=no $(CURDIR)/build/hogar.service
	@systemd-analyze security --offline=true --threshold=14 $(CURDIR)/build/hogar.service | tail -1

TARGETS = linux-armv6 linux-armv7 linux-arm64 linux-amd64 darwin-arm64
.PHONY: cross $(TARGETS)
cross: $(TARGETS) ## build/hogar-* for the Raspberry Pis, PCs and (simulation only) Macs
	@ls -l build/hogar-*
linux-armv6 linux-armv7:
	$(need_go)
	@GOOS=linux GOARCH=arm GOARM=$(@:linux-armv%=%) $(BUILD) -o build/hogar-$@ ./cmd/hogar
linux-arm64 linux-amd64 darwin-arm64:
	$(need_go)
	@GOOS=$(firstword $(subst -, ,$@)) GOARCH=$(lastword $(subst -, ,$@)) $(BUILD) -o build/hogar-$@ ./cmd/hogar

.PHONY: dist
dist: ## build/dist: programs and Debian packages for the Pis and PCs, with checksums
	$(need_go)
	@$(GO) run -C cmd/dist . -root $(CURDIR) -out $(CURDIR)/build/dist -version $(VERSION:v%=%)

.PHONY: dist-check
dist-check: build ## the same bytes twice, lintian, sizes, the score of the unit
	@sh .ci/install.sh lintian systemd
	@cmd/dist/check.sh $(VERSION:v%=%)

# A Debian of its own, made once, and two versions of the package.
VM = $(CURDIR)/build/debian
.PHONY: vm-image
vm-image:
	$(need_go)
	@sh .ci/install.sh debootstrap qemu-system-x86 rabbitmq-server mosquitto
	@systemd/testdata/image.sh $(VM)
	@$(GO) build -C cmd/dist -o $(CURDIR)/build/make-dist .
	@build/make-dist -out $(VM)/old -version 1.0.0 -arch amd64
	@build/make-dist -out $(VM)/new -version 1.1.0 -arch amd64

.PHONY: vm
vm: vm-image ## the package in a Debian of its own, and under systemd in a virtual machine
	HOGAR_DEBIAN=$(VM) $(GO) test -count=1 -v -timeout 15m -run 'TestPackage|TestUnderSystemd' ./systemd

.PHONY: vm-power
vm-power: vm-image ## cut the virtual machine's power CUTS=20 times during traffic
	HOGAR_DEBIAN=$(VM) HOGAR_POWER_CUTS=$(or $(CUTS),20) $(GO) test -count=1 -v -timeout 60m -run TestPowerCuts ./systemd

# All of it with one power cut, side by side, as CI does.
.PHONY: vm-check
vm-check:
	@if [ "$$(id -u)" != 0 ]; then echo "vm-check is left out: debootstrap needs root (make vm, as root)"; else \
	  $(MAKE) --no-print-directory vm-image && HOGAR_DEBIAN=$(VM) HOGAR_POWER_CUTS=1 $(GO) test -count=1 -v -timeout 15m ./systemd; fi

# The database of weaknesses is on the network.
.PHONY: vuln
vuln: ## known weaknesses in what is used, where the database can be reached
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./...

.PHONY: fuzz-nightly
fuzz-nightly: ## each fuzz test for a minute
	@$(MAKE) --no-print-directory fuzz FUZZTIME=60s

.PHONY: docs
docs: build ## docs/keys.md, from the code
	build/hogar schema --table >docs/keys.md

.PHONY: emulate
emulate: cross
	@sh .ci/install.sh qemu-user-static
	qemu-arm-static -cpu arm1176 build/hogar-linux-armv6 version
	qemu-arm-static -cpu arm1176 build/hogar-linux-armv6 check configs/pi.yaml
	qemu-arm-static build/hogar-linux-armv7 check configs/pi.yaml
	qemu-aarch64-static build/hogar-linux-arm64 version
	qemu-aarch64-static build/hogar-linux-arm64 check configs/pi.yaml

.PHONY: year
year: ## a year of the demo home in virtual time, twice, to the byte
	HOGAR_YEAR=1 $(GO) test -count=1 -v -run TestYearIsTheSameTwice ./rules/ruletest

# The same events give the same decisions to the byte, on 32 and 64 bits: some days
# of a home against their sum in testdata, and all tests of the engine.
.PHONY: emulate-rules
emulate-rules:
	@sh .ci/install.sh qemu-user-static
	@for p in rules rules/ruletest; do \
	  GOOS=linux GOARCH=arm GOARM=6 CGO_ENABLED=0 $(GO) test -c -trimpath -o build/armv6-test ./$$p || exit 1; \
	  GOOS=linux GOARCH=arm GOARM=7 CGO_ENABLED=0 $(GO) test -c -trimpath -o build/armv7-test ./$$p || exit 1; \
	  GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) test -c -trimpath -o build/arm64-test ./$$p || exit 1; \
	  only=.; [ $$p = rules ] || only='TestDecisionsAreTheSameEverywhere|TestExamples'; \
	  for run in "qemu-arm-static -cpu arm1176 $(CURDIR)/build/armv6-test" "qemu-arm-static $(CURDIR)/build/armv7-test" \
	    "qemu-aarch64-static $(CURDIR)/build/arm64-test"; do \
	    echo "$$p: $$run"; (cd $$p && $$run -test.run "$$only") || exit 1; \
	  done; \
	done

.PHONY: clean-tree
clean-tree:
	@out=$$(git status --porcelain); [ -z "$$out" ] || { echo "the tree is not clean:"; echo "$$out"; exit 1; }

.PHONY: bench
bench: ## what it costs, beside the ceilings of the same run; lines for machines in build/bench.jsonl
	$(need_go)
	@sh .ci/install.sh rabbitmq-server
	@$(BUILD) -o build/hogar ./cmd/hogar
	@GOOS=linux GOARCH=arm64 $(BUILD) -o build/hogar-linux-arm64 ./cmd/hogar
	$(BROKERS) $(GO) run ./cmd/bench -hogar build/hogar -arm64 build/hogar-linux-arm64 -json build/bench.jsonl $(BENCHFLAGS)

.PHONY: bench-backlog
bench-backlog: BENCHFLAGS := -only loaded -backlog 1000000
bench-backlog: bench ## a million readings that waited are sent

.PHONY: torture
torture: build ## nothing is lost: FAULTS=200 random faults for each of SEED=1,2,3, between real brokers
	@sh .ci/install.sh rabbitmq-server mosquitto
	$(BROKERS) $(GO) run ./cmd/torture -seeds $${SEED:-1,2,3} -faults $${FAULTS:-200}

.PHONY: torture-cluster
torture-cluster: build ## the same with a RabbitMQ of three nodes, which are killed, hung and parted: FAULTS=60, SEED=1
	@sh .ci/install.sh rabbitmq-server mosquitto
	$(BROKERS) $(GO) run ./cmd/torture -cluster -seeds $${SEED:-1} -faults $${FAULTS:-60}

.PHONY: siege
siege: build ## neighbours who mean harm, all at once, for SPAN=10m
	@sh .ci/install.sh rabbitmq-server mosquitto
	$(GO) run ./cmd/torture -seeds $${SEED:-1} -siege $${SPAN:-10m}

.PHONY: mutants
mutants: build ## the proof bites: each of ten mutants of the code is found out, by the torture or a test
	@sh .ci/install.sh rabbitmq-server mosquitto
	$(GO) run ./cmd/torture -mutants

.PHONY: torture-short
check: torture-short
torture-short: build
	@sh .ci/install.sh rabbitmq-server mosquitto
	$(BROKERS) $(GO) run ./cmd/torture -seeds 4,6,8 -faults 30

.PHONY: fuzz
fuzz: ## each fuzz test for FUZZTIME=30s
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-30s} $$p || exit 1; \
	  done; \
	done

Z2M_CONVERTERS ?= 26.112.0
.PHONY: z2m-corpus
z2m-corpus: ## every device that Zigbee2MQTT knows, for make test: npm and Node 20
	@mkdir -p build/z2m
	npm install --prefix build/z2m --no-audit --no-fund --silent zigbee-herdsman-converters@$(Z2M_CONVERTERS)
	node .ci/z2m-corpus.cjs build/z2m build/z2m-corpus.json.gz

.PHONY: clean
clean: ## remove build/
	rm -rf build
