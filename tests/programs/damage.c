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
#include <asm/bootparam.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devmem.h"

#define SETUP_KEXEC_KHO	10

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

static int count(const char *name)
{
	FILE *file = fopen(name, "r");
	int n = 0;

	if (!file)
		err(1, "%s", name);
	while (fscanf(file, "%*x") != EOF)
		n++;
	fclose(file);
	return n;
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

/* Was the running kernel itself told of its handover by the data at this address? */
static bool is_our_own(uint64_t phys)
{
	char boot_params[PAGE];
	uint64_t node;
	int fd = open("/sys/kernel/boot_params/data", O_RDONLY);

	if (fd < 0 || read(fd, boot_params, PAGE) != PAGE)
		err(1, "/sys/kernel/boot_params/data");
	close(fd);
	memcpy(&node, boot_params + offsetof(struct boot_params, hdr.setup_data), sizeof(node));
	while (node) {
		uint64_t page = node & ~(PAGE - 1);
		char *p = map(page, 2 * PAGE);
		struct setup_data *data = (struct setup_data *)(p + (node - page));

		if (node + sizeof(*data) == phys)
			return true;
		node = data->next;
		munmap(p, 2 * PAGE);
	}
	return false;
}

static bool in_scratch(uint64_t phys)
{
	int i, areas = count(KHO "scratch_phys");

	for (i = 0; i < areas; i++)
		if (phys - number(KHO "scratch_phys", i) < number(KHO "scratch_len", i))
			return true;
	return false;
}

/* It may begin anywhere in a page. */
static struct area *map_areas(const struct kho_data *data)
{
	uint64_t page = data->scratch_addr & ~(PAGE - 1);

	return map(page, 2 * PAGE) + (data->scratch_addr - page);
}

/* Is this the array of the scratch areas? It may be gone, with the image that it was of. */
static bool is_scratch_array(const struct kho_data *data)
{
	uint64_t i, nr = data->scratch_size / sizeof(struct area);
	struct area *area;

	if (!in_scratch(data->scratch_addr) || data->scratch_addr % 8)
		return false;
	area = map_areas(data);
	for (i = 0; i < nr; i++)
		if (area[i].addr != number(KHO "scratch_phys", i) ||
		    area[i].size != number(KHO "scratch_len", i))
			return false;
	return nr > 0;
}

/*
 * Damages what the boot parameters of the loaded image say of the handover. In
 * scratch are also those that this kernel was booted with, which are in use, and
 * maybe those of earlier images, which do not matter any more.
 */
static void damage_boot_data(uint64_t fdt, void (*damage)(struct kho_data *data))
{
	int i, areas, damaged = 0;

	areas = count(KHO "scratch_phys");
	for (i = 0; i < areas; i++) {
		uint64_t phys = number(KHO "scratch_phys", i);
		size_t size = number(KHO "scratch_len", i), at;
		uint64_t *p = map(phys, size);

		for (at = 2; at < size / 8 - 4; at++) {
			if (p[at] != fdt || p[at + 1] != PAGE ||
			    (uint32_t)p[at - 1] != SETUP_KEXEC_KHO ||
			    is_our_own(phys + 8 * at) ||
			    !is_scratch_array((struct kho_data *)(p + at)))
				continue;
			damage((struct kho_data *)(p + at));
			damaged++;
		}
		munmap(p, size);
	}
	if (!damaged)
		errx(1, "no boot data of the handover found");
}

static void damage_fdt_outside_ram(struct kho_data *data)
{
	data->fdt_addr = NOWHERE;
}

/* A good copy, where the next kernel may allocate. */
static void damage_fdt_in_scratch(struct kho_data *data)
{
	uint64_t scratch = number(KHO "scratch_phys", 0);

	memcpy(map(scratch, PAGE), map(data->fdt_addr, PAGE), PAGE);
	data->fdt_addr = scratch;
}

static void damage_scratch_outside_ram(struct kho_data *data)
{
	data->scratch_addr = NOWHERE;
}

static void damage_area_outside_ram(struct kho_data *data)
{
	struct area *area = map_areas(data);

	area[data->scratch_size / sizeof(*area) - 1].addr = NOWHERE;
}

static void damage_area_unaligned(struct kho_data *data)
{
	struct area *area = map_areas(data);

	area[0].size -= PAGE;
}

/* No damage: other kernels say so that they need none of a kind. With nokaslr the image is in the lowest one. */
static void damage_highest_area_empty(struct kho_data *data)
{
	uint64_t i, highest = 0, nr = data->scratch_size / sizeof(struct area);
	struct area *area = map_areas(data);

	for (i = 1; i < nr; i++)
		if (area[i].addr > area[highest].addr)
			highest = i;
	area[highest].size = 0;
}

static void damage_areas_empty(struct kho_data *data)
{
	uint64_t i, nr = data->scratch_size / sizeof(struct area);
	struct area *area = map_areas(data);

	for (i = 0; i < nr; i++)
		area[i].size = 0;
}

/* No damage either: where other kernels have it, in pages of its own. */
static void damage_array_elsewhere(struct kho_data *data)
{
	uint64_t scratch = number(KHO "scratch_phys", 0);

	memcpy(map(scratch, PAGE), map_areas(data), data->scratch_size);
	data->scratch_addr = scratch;
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
 * The tree's address: the first 8 bytes long property of the root. Its value
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

	open_mem();
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
		uint64_t table = tree, *slot;
		int level;

		/* A leaf that is the last of its table is of addresses beyond all memory. */
		for (level = 5; level > 1; level--)
			table = *first_slot(table);
		slot = first_slot(table);
		/* A few such pages alone are left out, and all else is used. */
		memset(map(*slot, PAGE), 0x55, PAGE);
		((uint64_t *)map(table, PAGE))[511] = *slot;
		*slot = 0;
	} else if (!strcmp(what, "fdt_outside_ram")) {
		damage_boot_data(fdt_phys, damage_fdt_outside_ram);
	} else if (!strcmp(what, "fdt_in_scratch")) {
		damage_boot_data(fdt_phys, damage_fdt_in_scratch);
	} else if (!strcmp(what, "scratch_outside_ram")) {
		damage_boot_data(fdt_phys, damage_scratch_outside_ram);
	} else if (!strcmp(what, "area_outside_ram")) {
		damage_boot_data(fdt_phys, damage_area_outside_ram);
	} else if (!strcmp(what, "area_unaligned")) {
		damage_boot_data(fdt_phys, damage_area_unaligned);
	} else if (!strcmp(what, "area_empty")) {
		damage_boot_data(fdt_phys, damage_highest_area_empty);
	} else if (!strcmp(what, "areas_empty")) {
		damage_boot_data(fdt_phys, damage_areas_empty);
	} else if (!strcmp(what, "array_elsewhere")) {
		damage_boot_data(fdt_phys, damage_array_elsewhere);
	} else {
		errx(1, "no such damage: %s", what);
	}
	printf("damaged: %s\n", what);
	return 0;
}
