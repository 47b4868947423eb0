// SPDX-License-Identifier: GPL-2.0
/*
 * Damages, through /dev/mem, what the running kernel is about to hand over.
 *
 *	damage WHAT
 *
 * An image must be loaded by kexec_file_load(). Prints what it did.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096UL
#define KHO		"/sys/kernel/debug/kho/out/"
#define SETUP_KEXEC_KHO	10
#define NOWHERE		0x7f0000000000UL	/* there is no RAM */

struct area {
	uint64_t addr;
	uint64_t size;
};

struct kho_data {
	uint64_t fdt_addr;
	uint64_t fdt_size;
	uint64_t scratch_addr;
	uint64_t scratch_size;
};

static int mem;

static void *map(uint64_t phys, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mem, phys);

	if (p == MAP_FAILED)
		err(1, "mapping %#lx of /dev/mem", (unsigned long)phys);
	return p;
}

/* The n-th number in a file of debugfs. */
static uint64_t number(const char *name, int n)
{
	FILE *file = fopen(name, "r");
	uint64_t value = 0;

	if (!file)
		err(1, "%s", name);
	while (n-- >= 0)
		if (fscanf(file, "%lx", &value) != 1)
			errx(1, "%s is too short", name);
	fclose(file);
	return value;
}

/* Calls found() for ranges of RAM until it returns other than 0. */
static uint64_t search_ram(uint64_t (*found)(uint64_t phys, size_t size, const void *key),
			   const void *key)
{
	FILE *iomem = fopen("/proc/iomem", "r");
	unsigned long start, end;
	uint64_t phys = 0;
	char line[128];

	if (!iomem)
		err(1, "/proc/iomem");
	while (!phys && fgets(line, sizeof(line), iomem)) {
		if (line[0] == ' ' || !strstr(line, "System RAM") ||
		    sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		start = (start + PAGE - 1) & ~(PAGE - 1);
		if (start < 0x100000 || start + PAGE > end + 1)
			continue;
		phys = found(start, (end + 1 - start) & ~(PAGE - 1), key);
	}
	fclose(iomem);
	return phys;
}

static uint64_t find_page(uint64_t phys, size_t size, const void *page)
{
	char *p = map(phys, size);
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < size && !at; i += PAGE)
		if (!memcmp(p + i, page, PAGE))
			at = phys + i;
	munmap(p, size);
	return at;
}

static uint64_t root_fdt(void)
{
	static char page[PAGE];
	int fd = open(KHO "fdt", O_RDONLY);
	uint64_t phys;

	if (fd < 0 || read(fd, page, PAGE) != PAGE)
		err(1, KHO "fdt");
	close(fd);
	phys = search_ram(find_page, page);
	if (!phys)
		errx(1, "no root FDT found");
	return phys;
}

/* What the boot parameters in scratch say of the handover. */
static struct kho_data *setup_data(uint64_t fdt)
{
	int i;

	for (i = 0; ; i++) {
		uint64_t phys = number(KHO "scratch_phys", i);
		size_t size = number(KHO "scratch_len", i), at;
		uint64_t *p = map(phys, size);

		for (at = 2; at < size / 8 - 4; at++)
			if (p[at] == fdt && p[at + 1] == PAGE &&
			    (uint32_t)p[at - 1] == SETUP_KEXEC_KHO)
				return (struct kho_data *)(p + at);
		munmap(p, size);
	}
}

/* A string in the FDT, or the value of a property that has this many bytes. */
static char *in_fdt(char *fdt, const char *string)
{
	char *p = memmem(fdt, PAGE, string, strlen(string));

	if (!p)
		errx(1, "no %s in the root FDT", string);
	return p;
}

/*
 * The tree's address: the only 8 bytes long property of the root. Its value
 * comes after its tag (3), its length and the offset of its name.
 */
static char *tree_value(char *fdt)
{
	static const char head[] = { 0, 0, 0, 3, 0, 0, 0, 8 };
	char *p = memmem(fdt, PAGE, head, sizeof(head));

	if (!p)
		errx(1, "no property of 8 bytes in the root FDT");
	return p + sizeof(head) + 4;
}

static uint64_t get(const char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static void set(char *p, uint64_t value)
{
	memcpy(p, &value, sizeof(value));
}

static uint64_t *first_slot(uint64_t table)
{
	uint64_t *slot = map(table, PAGE);

	while (!*slot)
		slot++;
	return slot;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	uint64_t fdt_phys, scratch, tree;
	char *fdt;

	mem = open("/dev/mem", O_RDWR);
	if (mem < 0)
		err(1, "/dev/mem");
	fdt_phys = root_fdt();
	fdt = map(fdt_phys, PAGE);
	tree = get(tree_value(fdt));
	scratch = number(KHO "scratch_phys", 0);
	printf("root FDT at %#lx, tree at %#lx\n", fdt_phys, tree);

	if (!strcmp(what, "fdt_magic")) {
		memset(fdt, 0, 4);
	} else if (!strcmp(what, "fdt_structure")) {
		memset(in_fdt(fdt, "kho-v4") - 12, 0xff, 4);
	} else if (!strcmp(what, "fdt_compatible")) {
		in_fdt(fdt, "kho-v4")[5] = '3';
	} else if (!strcmp(what, "fdt_no_tree")) {
		in_fdt(fdt, "preserved-memory-map")[0] = 'x';
	} else if (!strcmp(what, "tree_outside_ram")) {
		set(tree_value(fdt), NOWHERE);
	} else if (!strcmp(what, "tree_in_scratch")) {
		set(tree_value(fdt), scratch);
	} else if (!strcmp(what, "tree_unaligned")) {
		set(tree_value(fdt), tree + 8);
	} else if (!strcmp(what, "node_outside_ram")) {
		*first_slot(tree) = NOWHERE;
	} else if (!strcmp(what, "node_in_scratch")) {
		*first_slot(tree) = scratch;
	} else if (!strcmp(what, "node_is_root")) {
		/* All slots: it looks endless. */
		uint64_t *slot = map(tree, PAGE);
		int i;

		for (i = 0; i < 512; i++)
			slot[i] = tree;
	} else if (!strcmp(what, "page_outside_ram")) {
		uint64_t table = tree;
		int level;

		for (level = 5; level > 0; level--)
			table = *first_slot(table);
		/* The last key of a leaf of low memory is of the hole below 4 GiB or above. */
		memset(map(table, PAGE), 0xff, PAGE);
	} else if (!strcmp(what, "fdt_outside_ram")) {
		setup_data(fdt_phys)->fdt_addr = NOWHERE;
	} else if (!strcmp(what, "fdt_in_scratch")) {
		struct kho_data *data = setup_data(fdt_phys);

		/* A good copy, where the next kernel may allocate. */
		memcpy(map(scratch, PAGE), fdt, PAGE);
		data->fdt_addr = scratch;
	} else if (!strcmp(what, "scratch_outside_ram")) {
		setup_data(fdt_phys)->scratch_addr = NOWHERE;
	} else if (!strcmp(what, "area_outside_ram")) {
		struct kho_data *data = setup_data(fdt_phys);
		struct area *area = map(data->scratch_addr, PAGE);

		area[data->scratch_size / sizeof(*area) - 1].addr = NOWHERE;
	} else if (!strcmp(what, "area_unaligned")) {
		struct kho_data *data = setup_data(fdt_phys);
		struct area *area = map(data->scratch_addr, PAGE);

		area[0].size -= PAGE;
	} else {
		errx(1, "no such damage: %s", what);
	}
	printf("damaged: %s\n", what);
	return 0;
}
