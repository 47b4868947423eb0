# Every verb of this repository; `make help` lists them.

ARCH    ?=
FLAVOUR ?=
TESTS   ?=
DEMO    ?=
export ARCH TESTS DEMO SOURCE PATCH FILE DISCARD LAX_CONFIG VERSION CONFIG

.NOTPARALLEL:
.PHONY: help demo test test-all interop corrupt tree kernel refresh check clean series series-check docs bench bench-host deb deb-check

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## */  make \1\t/p' Makefile | expand -t 20

demo: ## A live update under memcached, or DEMO=vm or DEMO=process, seen with your own eyes; installs what it needs; ARCH=arm64
	@scripts/demo

test: ## The tests of each change; some of them: TESTS='tests/boot.t ...', ARCH=x86_64|arm64, FLAVOUR=default|debug
	@FLAVOUR='$(FLAVOUR)' scripts/test

test-all: ## All tests, those of a release; TESTS, ARCH and FLAVOUR as above, and FLAVOUR=odd|plain|host|criu|pci|pcidebug, or 16k|64k|debug on arm64
	@TIER=all FLAVOUR='$(FLAVOUR)' scripts/test

interop: ## Builds Debian's kernel 7.3, and updates from our kernel to it and back, and from it to ours; x86_64 only
	@TIER=all TESTS=tests/interop.t FLAVOUR=default ARCH='$(or $(ARCH),x86_64)' scripts/test

corrupt: kernel ## Corrupts what is handed over and tells what came of it; COUNT=1000, SEED=1, FLAVOUR=default|debug|pci|pcidebug
	@scripts/setup vm
	@FLAVOUR='$(or $(FLAVOUR),default)' scripts/corrupt --count '$(or $(COUNT),1000)' --seed '$(or $(SEED),1)'

bench: tree ## Counts what an update costs; PEER=mainline compares, SIZES='64 256' MiB, FULL=1, CASE=pattern, DOCS=1
	@scripts/setup vm bench
	@scripts/bench/bench --kernel ours --kernel plain $(if $(PEER),--kernel '$(PEER)') $(if $(FULL),--full) --sizes '$(SIZES)' --case '$(CASE)'
	@scripts/bench/bench-report $(if $(DOCS),--docs)

bench-host: kernel ## Counts the pause of a virtual machine on a Debian host that is updated; PEER=mainline compares, DOCS=1; an hour at first
	@scripts/setup vm demo deb deb-check bench
	@scripts/bench/bench-host --kernel ours --kernel late --kernel early --kernel early-late $(if $(PEER),--kernel '$(PEER)') $(if $(DOCS),--docs)

tree: ## The patched kernel tree, in build/linux/; SOURCE=/path/linux-6.12.y.tar.xz instead of Debian's
	@scripts/setup build
	@scripts/kernel/tree

kernel: tree ## The kernel, in build/ARCH-FLAVOUR/; ARCH=x86_64|arm64, FLAVOUR=default|debug|off|odd|plain|host|criu|pci|pcidebug, and 16k|64k on arm64
	@FLAVOUR='$(or $(FLAVOUR),default)' scripts/kernel/kernel

refresh: ## Takes edits in build/linux/ back into patches/; PATCH=NNNN-... FILE=... claims a file for a patch
	@scripts/setup build
	@scripts/kernel/refresh

check: ## checkpatch --strict, sparse, W=1, layers, kernel-doc, shellcheck, that each file has its commit, and three steps of the series
	@scripts/check/check

clean: ## Removes build/ and out/; downloads and ccache stay in the user's cache folder
	@rm -rf build out

series: ## out/series/: a cover letter and numbered patches, for git am on 6.12.y
	@scripts/setup build series
	@scripts/series/series

series-check: ## The same; does it apply to 6.12.117, Debian's oldest and plain 6.12.y, and does each step build? ARCH=x86_64|arm64
	@scripts/setup build series
	@scripts/series/series check
	@failed=; for arch in $(or $(ARCH),x86_64 arm64); do ARCH=$$arch scripts/series/series-steps || failed=1; done; [ -z "$$failed" ]

docs: tree ## build/docs/html/: our pages, by the kernel's own Sphinx build, which must be silent
	@scripts/setup docs
	@scripts/docs

deb: tree ## out/deb/: Debian packages, kernel, headers and lukeep; VERSION=N their revision, CONFIG=FILE instead of Debian's
	@scripts/setup deb
	@scripts/packages/deb

deb-check: kernel ## Installs them on a Debian host in QEMU, and updates it live from one version to the next
	@scripts/setup vm demo deb deb-check
	@scripts/packages/deb-check
