// SPDX-License-Identifier: GPL-2.0
/*
 * Damages, through /dev/mem, what is handed over of areas of reserve_mem=.
 *
 *	reserve-mem WHAT [NAME [NAME]]
 *
 * Copyright The Linux Live Update LTS authors
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devmem.h"

/* In what is left of the page. */
static char *find(char *start, const char *bytes, size_t len)
{
	char *p = memmem(start, PAGE - (uintptr_t)start % PAGE, bytes, len);

	if (!p)
		errx(1, "not in the FDT: %s", bytes);
	return p;
}

/* The tag of a node, with the name that comes after it. */
static char *node(char *fdt, const char *name)
{
	char tag[32] = { 0, 0, 0, 1 };

	snprintf(tag + 4, sizeof(tag) - 4, "%s", name);
	return find(fdt, tag, 4 + strlen(name) + 1);
}

/* The n-th value of 8 bytes in what comes after @p; its tag, length and name do before. */
static char *value(char *p, int n)
{
	static const char head[] = { 0, 0, 0, 3, 0, 0, 0, 8 };

	for (;; n--) {
		p = find(p, head, sizeof(head)) + sizeof(head) + 4;
		if (!n)
			return p;
	}
}

static char *start_of(char *fdt, const char *name)
{
	return value(node(fdt, name), 0);
}

static char *size_of(char *fdt, const char *name)
{
	return value(node(fdt, name), 1);
}

/* Of a subtree's two numbers the one that can be an address. */
static char *blob_value(char *root, int address)
{
	char *a = value(node(root, "memblock"), 0), *b = value(node(root, "memblock"), 1);

	return (get(a) > get(b)) == address ? a : b;
}

static void read_first(const char *name, void *buf, size_t size)
{
	int fd = open(name, O_RDONLY);

	memset(buf, 0, size);
	if (fd < 0 || read(fd, buf, size) <= 0)
		err(1, "%s", name);
	close(fd);
}

static uint64_t scratch(void)
{
	unsigned long phys;
	char line[4096];

	read_first(KHO "scratch_phys", line, sizeof(line) - 1);
	if (sscanf(line, "%lx", &phys) != 1)
		errx(1, "no scratch memory");
	return phys;
}

/* The page of RAM that equals a copy. */
static char *find_root(const char *copy)
{
	FILE *iomem = fopen("/proc/iomem", "r");
	unsigned long start, end;
	char line[128], *ram, *page;

	if (!iomem)
		err(1, "/proc/iomem");
	while (fgets(line, sizeof(line), iomem)) {
		if (line[0] == ' ' || !strstr(line, "System RAM") ||
		    sscanf(line, "%lx-%lx", &start, &end) != 2 || start < 0x100000)
			continue;
		start = (start + PAGE - 1) & ~(PAGE - 1);
		end = (end + 1) & ~(PAGE - 1);
		if (start >= end)
			continue;
		ram = map(start, end - start);
		for (page = ram; page < ram + (end - start); page += PAGE)
			if (!memcmp(page, copy, PAGE))
				return page;
	}
	errx(1, "no root FDT found");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *name = argc > 2 ? argv[2] : "", *other = argc > 3 ? argv[3] : "";
	/* Not a page of its own, which would be found for the one to be damaged. */
	static char pages[2 * PAGE] __attribute__((aligned(PAGE)));
	char *root = pages + 64;
	uint64_t blob_phys;
	char *blob;

	open_mem();
	read_first(KHO "fdt", root, PAGE);
	blob_phys = get(blob_value(root, 1));
	blob = map(blob_phys, PAGE);

	if (!strcmp(what, "nowhere"))
		set(start_of(blob, name), NOWHERE);
	else if (!strcmp(what, "unaligned"))
		set(start_of(blob, name), get(start_of(blob, name)) + 8);
	else if (!strcmp(what, "shifted"))
		set(start_of(blob, name), get(start_of(blob, name)) + PAGE);
	else if (!strcmp(what, "scratch"))
		set(start_of(blob, name), scratch());
	else if (!strcmp(what, "null"))
		set(start_of(blob, name), 0);
	else if (!strcmp(what, "blob"))
		set(start_of(blob, name), blob_phys);
	else if (!strcmp(what, "page"))
		set(size_of(blob, name), PAGE);
	else if (!strcmp(what, "same"))
		set(start_of(blob, name), get(start_of(blob, other)));
	else if (!strcmp(what, "empty"))
		set(size_of(blob, name), 0);
	else if (!strcmp(what, "huge"))
		set(size_of(blob, name), ~0UL);
	else if (!strcmp(what, "wrap"))
		set(size_of(blob, name), -get(start_of(blob, name)));
	else if (!strcmp(what, "format"))
		find(node(blob, name), "reserve-mem-v1", 14)[13] = '9';
	else if (!strcmp(what, "blob_magic"))
		memset(blob, 0, 4);
	else if (!strcmp(what, "blob_structure"))
		memset(start_of(blob, name) - 12, 0xff, 4);
	else if (!strcmp(what, "blob_format"))
		find(blob, "memblock-v1", 11)[10] = '9';
	else if (!strcmp(what, "blob_nowhere"))
		set(blob_value(find_root(root), 1), NOWHERE);
	else if (!strcmp(what, "blob_huge"))
		set(blob_value(find_root(root), 0), 1UL << 20);
	else if (!strcmp(what, "blob_empty"))
		set(blob_value(find_root(root), 0), 0);
	else
		errx(1, "no such damage: %s", what);
	return 0;
}
