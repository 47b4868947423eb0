// SPDX-License-Identifier: GPL-2.0
/*
 * kernel-ret FUNCTION [0]: has a function of the running kernel return at once, with 0 if asked for, for tests that see what it is
 * good for. It must not be in use meanwhile. x86, with one processor or a function that is long not in use.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <inttypes.h>
#include <stdio.h>

#include "devmem.h"

/* xor %eax, %eax; ret */
static const char code_bytes[] = { 0x31, 0xc0, 0xc3 };

static uint64_t symbol(const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	uint64_t address;
	char found[256];

	if (!file)
		err(1, "/proc/kallsyms");
	while (fscanf(file, "%" SCNx64 " %*c %255s%*[^\n]", &address, found) == 2)
		if (!strcmp(found, name))
			return address;
	errx(1, "no function %s", name);
}

/* Where the kernel's code is. */
static uint64_t code(void)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[256];
	uint64_t start;

	if (!file)
		err(1, "/proc/iomem");
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "Kernel code") && sscanf(line, "%" SCNx64, &start) == 1)
			return start;
	errx(1, "no kernel code in /proc/iomem");
}

int main(int argc, char **argv)
{
	uint64_t phys;
	int from;

	if (argc != 2 && (argc != 3 || strcmp(argv[2], "0")))
		errx(2, "usage: kernel-ret FUNCTION [0]");
	from = argc == 3 ? 0 : 2;
	open_mem();
	phys = code() + symbol(argv[1]) - symbol("_text");
	memcpy((char *)map(phys & ~(PAGE - 1), 2 * PAGE) + (phys & (PAGE - 1)), code_bytes + from, sizeof(code_bytes) - from);
	return 0;
}
