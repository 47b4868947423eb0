// SPDX-License-Identifier: GPL-2.0
/*
 * interop.c: areas of reserve_mem=. A flattened tree has a node with "start" for
 * each.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <arpa/inet.h>

#include "interop.h"

#define SUB_FDTS	"/sys/kernel/debug/kho/%s/sub_fdts/memblock"

struct area {
	char name[32];
	__u64 start;
	__u64 size;
};

static __u32 cell(const char *at)
{
	return ntohl(*(const __u32 *)at);
}

static size_t aligned(size_t len)
{
	return (len + 3) & ~3UL;
}

static const char *read_property(const char *at, const char *strings,
				 struct area *area)
{
	const char *name = strings + cell(at + 8);
	__u32 len = cell(at + 4);

	if (!strcmp(name, "start") && len == 8)
		memcpy(&area->start, at + 12, 8);
	if (!strcmp(name, "size") && len == 8)
		memcpy(&area->size, at + 12, 8);
	return at + 12 + aligned(len);
}

/* What this kernel hands over ("out") or has got ("in"); how many. */
static int read_areas(const char *direction, struct area *areas, int max)
{
	char path[128], fdt[8192];
	const char *at;
	int fd, nr = 0;

	snprintf(path, sizeof(path), SUB_FDTS, direction);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, fdt, sizeof(fdt)) <= 0)
		return 0;
	close(fd);
	memset(areas, 0, max * sizeof(*areas));
	for (at = fdt + cell(fdt + 8); cell(at) != 9;) {
		if (cell(at) == 1) {
			snprintf(areas[nr].name, sizeof(areas[nr].name), "%s", at + 4);
			at += 4 + aligned(strlen(at + 4) + 1);
		} else if (cell(at) == 3) {
			at = read_property(at, fdt + cell(fdt + 12), &areas[nr]);
		} else {
			if (cell(at) == 2 && areas[nr].start && nr < max - 1)
				nr++;
			at += 4;
		}
	}
	return nr;
}

static bool area_is_kept(int mem, const struct area *area,
			 const struct area *came, int nr_came)
{
	int i;

	for (i = 0; i < nr_came; i++)
		if (!strcmp(came[i].name, area->name))
			break;
	if (i == nr_came)
		return failed("%s did not come in", area->name);
	if (came[i].start != area->start || came[i].size != area->size)
		return failed("%s is at %#llx, was at %#llx", area->name,
			      area->start, came[i].start);
	/* Others have users of their own. */
	if (!strncmp(area->name, "plain", 5) &&
	    !luo_filled(mem, area->start, area->size & ~7ULL, 77))
		return failed("the contents of %s differ", area->name);
	return true;
}

/* Those whose size is a number of pages, or the @odd ones. */
static void tell_areas(const char *name, bool odd, int mem,
		       const struct area *out, int nr_out,
		       const struct area *in, int nr_in)
{
	int i;

	why[0] = '\0';
	for (i = 0; i < nr_out; i++)
		if ((out[i].size % PAGE != 0) == odd)
			area_is_kept(mem, &out[i], in, nr_in);
	tell(name);
}

int interop_run_areas(const char *verb)
{
	struct area out[16], in[16];
	int mem = open("/dev/mem", O_RDWR);
	int nr_out = read_areas("out", out, ARRAY_SIZE(out));
	int nr_in, i;

	if (mem < 0 || !nr_out)
		failed("no areas are handed over");
	if (!strcmp(verb, "fill")) {
		for (i = 0; i < nr_out; i++)
			if (!strncmp(out[i].name, "plain", 5) &&
			    luo_fill(mem, out[i].start, out[i].size & ~7ULL, 77))
				failed("cannot write to %s", out[i].name);
		if (why[0])
			tell("reserve-mem");
		return 0;
	}
	nr_in = read_areas("in", in, ARRAY_SIZE(in));
	tell_areas("reserve-mem", false, mem, out, nr_out, in, nr_in);
	tell_areas("reserve-mem-odd", true, mem, out, nr_out, in, nr_in);
	return 0;
}
