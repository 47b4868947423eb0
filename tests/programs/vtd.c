// SPDX-License-Identifier: GPL-2.0
/*
 * Changes, through /dev/mem, what Intel VT-d works with in the running kernel. Its unit is where QEMU has it.
 *
 *	vtd pasid BUS	the PASID table of the device 00.0 on this bus gets an entry for PASID 1, or loses it. Scalable mode
 *	vtd unit	the list for the next kernel, of one device, names another unit, and its checksum is right
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <stdio.h>
#include <stdlib.h>

#include "devmem.h"

#define UNIT		0xfed90000UL
#define RTADDR		0x20
#define ADDRESS(entry)	((entry) & 0xffffffffff000UL)
#define PASID_ENTRY	64
#define LIST_HEAD	16
#define LIST_ENTRY	56
#define WINDOW		(64UL << 20)

/* As in the specification of xxHash. */
#define PRIME1	0x9e3779b185ebca87UL
#define PRIME2	0xc2b2ae3d27d4eb4fUL
#define PRIME3	0x165667b19e3779f9UL
#define PRIME4	0x85ebca77c2b2ae63UL

static uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
	return rotate(sum + value * PRIME2, 31) * PRIME1;
}

/* Of 32 bytes or more, a multiple of 8. */
static uint64_t xxh64(const char *p, size_t size, uint64_t seed)
{
	uint64_t v[4] = { seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1 }, sum;
	const char *end = p + size;

	for (; end - p >= 32; p += 32)
		for (int i = 0; i < 4; i++)
			v[i] = mix(v[i], get(p + 8 * i));
	sum = rotate(v[0], 1) + rotate(v[1], 7) + rotate(v[2], 12) + rotate(v[3], 18);
	for (int i = 0; i < 4; i++)
		sum = (sum ^ mix(0, v[i])) * PRIME1 + PRIME4;
	sum += size;
	for (; p < end; p += 8)
		sum = rotate(sum ^ mix(0, get(p)), 27) * PRIME1 + PRIME4;
	sum = (sum ^ sum >> 33) * PRIME2;
	sum = (sum ^ sum >> 29) * PRIME3;
	return sum ^ sum >> 32;
}

static void change_pasid(int bus)
{
	char *root = map(ADDRESS(get((char *)map(UNIT, PAGE) + RTADDR)), PAGE);
	char *context = map(ADDRESS(get(root + 16 * bus)), PAGE);
	char *dir = map(ADDRESS(get(context)), PAGE);
	char *table = map(ADDRESS(get(dir)), PAGE);

	set(table + PASID_ENTRY, get(table + PASID_ENTRY) ^ 1);
}

static uint64_t list_sum(const char *list)
{
	uint64_t sum = xxh64(list + LIST_HEAD, LIST_ENTRY, 1);

	return xxh64(map(get(list + LIST_HEAD + 8), PAGE), PAGE, sum);
}

/* The list fills a page from its start: the sum, room for how many, how many, and the first device's unit and root table. */
static int is_list(const char *page)
{
	uint32_t nr;

	memcpy(&nr, page + 12, sizeof(nr));
	return nr == 1 && get(page + LIST_HEAD) == UNIT && !(get(page + LIST_HEAD + 8) % PAGE) && get(page) == list_sum(page);
}

/* Returns how many there were. */
static int change_lists(uint64_t start, uint64_t end)
{
	int nr = 0;

	for (; start < end; start += WINDOW) {
		size_t size = end - start < WINDOW ? end - start : WINDOW;
		char *window = map(start, size);

		for (char *page = window; page < window + size; page += PAGE) {
			if (!is_list(page))
				continue;
			set(page + LIST_HEAD, UNIT + PAGE);
			set(page, list_sum(page));
			nr++;
		}
		munmap(window, size);
	}
	return nr;
}

/* A list that is not in use any more, in a free page, looks the same: change all. */
static void change_unit(void)
{
	FILE *iomem = fopen("/proc/iomem", "r");
	unsigned long start, end;
	char line[128];
	int nr = 0;

	if (!iomem)
		err(1, "/proc/iomem");
	while (fgets(line, sizeof(line), iomem)) {
		if (line[0] == ' ' || !strstr(line, "System RAM") || sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		nr += change_lists((start + PAGE - 1) & ~(PAGE - 1), (end + 1) & ~(PAGE - 1));
	}
	if (!nr)
		errx(1, "there is no list");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: vtd pasid BUS | vtd unit");
	open_mem();
	if (argc == 3 && !strcmp(argv[1], "pasid"))
		change_pasid(strtol(argv[2], NULL, 16));
	else if (!strcmp(argv[1], "unit"))
		change_unit();
	else
		errx(2, "usage: vtd pasid BUS | vtd unit");
	return 0;
}
