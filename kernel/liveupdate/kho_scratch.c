// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): scratch memory.
 *
 * The next kernel must not touch preserved memory before it knows where that
 * is, so it starts in areas of which it is known that nothing in them is
 * preserved. They are chosen once, at the first boot, and handed on from kernel
 * to kernel. In a running system they hold only movable pages (CMA), and kexec
 * images are loaded into them.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bitmap.h>
#include <linux/cma.h>
#include <linux/crash_reserve.h>
#include <linux/ctype.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kmemleak.h>
#include <linux/math64.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <trace/events/kho.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* Areas, and whether they were handed on by the previous kernel. */
static struct kho_scratch *kho_scratch __ro_after_init;
static unsigned int nr_kho_scratch __ro_after_init;
static bool kho_scratch_inherited __ro_after_init;

static struct kho_scratch_param kho_scratch_param __initdata = {
	.percent = KHO_SCRATCH_DEFAULT_PERCENT,
};

static int parse_size(const char *p, const char **end, phys_addr_t *size)
{
	char *next;

	if (!isdigit(*p))
		return -EINVAL;

	*size = memparse(p, &next);
	*end = next;

	return 0;
}

/**
 * kho_parse_scratch - parse the value of kho_scratch=
 * @p:     "nn%", or "low,global,node" with K/M/G suffixes
 * @param: filled on success, else left as it is
 *
 * A size of zero asks for no such area.
 *
 * Return: 0, or -EINVAL when the value is malformed or asks for no area at all.
 */
int kho_parse_scratch(const char *p, struct kho_scratch_param *param)
{
	struct kho_scratch_param new = {};
	unsigned int percent;
	size_t digits = strspn(p, "0123456789");
	char buf[8];

	if (digits && p[digits] == '%' && !p[digits + 1]) {
		if (strscpy(buf, p) < 0)
			return -EINVAL;
		buf[digits] = '\0';
		if (kstrtouint(buf, 10, &percent) || !percent)
			return -EINVAL;
		new.percent = percent;
		*param = new;
		return 0;
	}

	if (parse_size(p, &p, &new.low) || *p++ != ',' ||
	    parse_size(p, &p, &new.global) || *p++ != ',' ||
	    parse_size(p, &p, &new.node) || *p)
		return -EINVAL;
	if (!new.low && !new.global && !new.node)
		return -EINVAL;

	*param = new;
	return 0;
}

static int __init set_param(const char *name, const char *p)
{
	if (!p || kho_parse_scratch(p, &kho_scratch_param))
		pr_warn("malformed %s=%s ignored, write nn%% or low,global,node sizes such as 64M,256M,128M\n",
			name, p ?: "");

	return 0;
}

static int __init early_kho_scratch(char *p)
{
	return set_param("kho_scratch", p);
}
early_param("kho_scratch", early_kho_scratch);

/* What Linux 7.4 calls it. */
static int __init early_kho_bootmem(char *p)
{
	return set_param("kho_bootmem", p);
}
early_param("kho_bootmem", early_kho_bootmem);

/* Bytes of [start, end) that lie in the range of @res. */
static phys_addr_t __init overlap_of(const struct resource *res,
				     phys_addr_t start, phys_addr_t end)
{
	phys_addr_t s, e;

	if (!res->end)
		return 0;

	s = max_t(phys_addr_t, start, res->start);
	e = min_t(phys_addr_t, end, res->end + 1);

	return s < e ? e - s : 0;
}

/* A crash kernel's memory is reserved, but not by what a kernel boots with. */
static phys_addr_t __init crash_size(phys_addr_t start, phys_addr_t end)
{
#ifdef CONFIG_CRASH_RESERVE
	return overlap_of(&crashk_res, start, end) +
	       overlap_of(&crashk_low_res, start, end);
#else
	return 0;
#endif
}

/* Bytes of [start, end) that are scratch memory by now. */
static phys_addr_t __init chosen_size(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t sum = 0;
	unsigned int i;

	for (i = 0; i < nr_kho_scratch; i++) {
		phys_addr_t s = max(start, kho_scratch[i].addr);
		phys_addr_t e = min(end, kho_scratch[i].addr +
					 kho_scratch[i].size);

		if (s < e)
			sum += e - s;
	}

	return sum;
}

/*
 * What the kernel itself has reserved in [start, end): its image, its initrd
 * and its allocations; gigantic pages (known by their flag) are userspace's,
 * and areas of reserve_mem= are where they are in the next kernel as well.
 */
static phys_addr_t __init kernel_size(phys_addr_t start, phys_addr_t end)
{
	struct memblock_region *r;
	phys_addr_t sum = 0;

	for_each_reserved_mem_region(r) {
		phys_addr_t s = max(start, r->base);
		phys_addr_t e = min(end, r->base + r->size);

		if (s < e && !memblock_is_reserved_noinit(r))
			sum += e - s - crash_size(s, e) -
			       kho_reserve_mem_size(s, e) -
			       chosen_size(s, e);
	}

	return sum;
}

struct scratch_size {
	phys_addr_t total;
	phys_addr_t kernel;
};

/* RAM of a node (or all) below @limit, and the kernel's part of it. */
static struct scratch_size __init size_of_node(int nid, phys_addr_t limit)
{
	struct scratch_size size = {};
	unsigned long start_pfn, end_pfn;
	int i;

	for_each_mem_pfn_range(i, nid, &start_pfn, &end_pfn, NULL) {
		phys_addr_t start = PFN_PHYS(start_pfn);
		phys_addr_t end = min(PFN_PHYS(end_pfn), limit);

		if (start >= end)
			continue;
		size.total += end - start;
		size.kernel += kernel_size(start, end);
	}

	return size;
}

/*
 * The size that was asked for, or a percentage of what the kernel reserved. That
 * is no more than 1/@share of all: a machine of little memory must not be all
 * scratch.
 */
static phys_addr_t __init area_size(phys_addr_t asked, struct scratch_size size,
				    unsigned int share)
{
	const unsigned int percent = kho_scratch_param.percent;
	phys_addr_t scaled;

	if (!percent)
		return asked;

	scaled = mul_u64_u32_div(size.kernel, percent, 100);
	scaled = min(scaled, div_u64(size.total, share));

	return max_t(phys_addr_t, scaled, KHO_SCRATCH_ALIGN);
}

static bool __init add_area(phys_addr_t size, phys_addr_t limit, int nid,
			    const char *what)
{
	struct kho_scratch *area = &kho_scratch[nr_kho_scratch];

	if (!size)
		return true;

	size = ALIGN(size, KHO_SCRATCH_ALIGN);
	area->addr = memblock_alloc_range_nid(size, KHO_SCRATCH_ALIGN, 0, limit,
					      nid, true);
	if (!area->addr) {
		pr_warn("no room for %llu MiB of %s scratch memory, disabled; set a smaller kho_scratch=\n",
			(u64)size / SZ_1M, what);
		return false;
	}

	area->size = size;
	/* Its pages are going to be the buddy allocator's. */
	kmemleak_ignore_phys(area->addr);
	nr_kho_scratch++;

	return true;
}

static bool __init add_areas(void)
{
	const struct kho_scratch_param *param = &kho_scratch_param;
	struct scratch_size low, all, node;
	phys_addr_t limit;
	int nid;

	low = size_of_node(MAX_NUMNODES, ARCH_LOW_ADDRESS_LIMIT);
	/* Without low memory nothing asks for it. */
	limit = low.total ? ARCH_LOW_ADDRESS_LIMIT : MEMBLOCK_ALLOC_ACCESSIBLE;
	all = size_of_node(MAX_NUMNODES, PHYS_ADDR_MAX);
	/* What is low has its area already. */
	all.kernel -= low.kernel;

	if (!add_area(area_size(param->low, low, 8), limit, NUMA_NO_NODE,
		      "low") ||
	    !add_area(area_size(param->global, all, 8),
		      MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE, "global"))
		return false;

	for_each_node_state(nid, N_ONLINE) {
		node = size_of_node(nid, PHYS_ADDR_MAX);
		if (!node.total)
			continue;
		if (!add_area(area_size(param->node, node, 4),
			      MEMBLOCK_ALLOC_ACCESSIBLE, nid, "node"))
			return false;
	}

	return true;
}

/**
 * kho_scratch_choose - choose the scratch areas, on a cold boot
 *
 * Context: early boot, while memblock is alive and all that the kernel reserves
 * at boot is reserved.
 * Return: true, or false with a message when there is no room.
 */
bool __init kho_scratch_choose(void)
{
	unsigned int max = 2 + num_node_state(N_ONLINE);

	kho_scratch = memblock_alloc(array_size(max, sizeof(*kho_scratch)),
				     PAGE_SIZE);
	if (!kho_scratch) {
		pr_warn("no memory to describe scratch memory, disabled\n");
		return false;
	}

	if (add_areas())
		return true;

	while (nr_kho_scratch--)
		memblock_phys_free(kho_scratch[nr_kho_scratch].addr,
				   kho_scratch[nr_kho_scratch].size);
	nr_kho_scratch = 0;
	memblock_free(kho_scratch, array_size(max, sizeof(*kho_scratch)));
	kho_scratch = NULL;

	return false;
}

/**
 * kho_scratch_compact - leave out areas without any memory
 * @areas: areas as the previous kernel handed them on; those of a size stay, in
 *         their order, at the beginning of the array
 * @nr:    their number
 *
 * Other kernels hand on an area of size 0 where they need none of its kind.
 *
 * Return: the number of areas that are left.
 */
unsigned int kho_scratch_compact(struct kho_scratch *areas, unsigned int nr)
{
	unsigned int i, left = 0;

	for (i = 0; i < nr; i++)
		if (areas[i].size)
			areas[left++] = areas[i];

	return left;
}

static bool __init area_ok(const struct kho_scratch *area)
{
	phys_addr_t end;

	return !check_add_overflow(area->addr, area->size, &end) &&
	       IS_ALIGNED(area->addr | area->size, KHO_SCRATCH_ALIGN) &&
	       memblock_is_map_memory(area->addr) &&
	       memblock_is_region_memory(area->addr, area->size);
}

/**
 * kho_scratch_check - check scratch areas that the previous kernel handed on
 * @areas: the areas, after kho_scratch_compact()
 * @nr:    their number
 *
 * Context: early boot, once memblock knows all RAM.
 * Return: true if each is RAM, aligned, and apart from the others.
 */
bool __init kho_scratch_check(const struct kho_scratch *areas, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++) {
		if (!area_ok(&areas[i]))
			return false;

		for (j = 0; j < i; j++)
			if (memblock_addrs_overlap(areas[i].addr, areas[i].size,
						   areas[j].addr, areas[j].size))
				return false;
	}

	return nr > 0;
}

/**
 * kho_scratch_inherit - take over scratch areas that were checked
 * @areas: the areas; the array stays in use
 * @nr:    their number
 */
void __init kho_scratch_inherit(struct kho_scratch *areas, unsigned int nr)
{
	kho_scratch = areas;
	nr_kho_scratch = nr;
	kho_scratch_inherited = true;
}

/**
 * kho_scratch_forget - go on as if no scratch had been handed on
 */
void __init kho_scratch_forget(void)
{
	kho_scratch = NULL;
	nr_kho_scratch = 0;
	kho_scratch_inherited = false;
}

/**
 * kho_scratch_areas - the scratch areas
 * @nr: set to their number
 *
 * Return: the array of areas, which never changes after boot.
 */
const struct kho_scratch *kho_scratch_areas(unsigned int *nr)
{
	*nr = nr_kho_scratch;
	return kho_scratch;
}

/**
 * kho_scratch_overlap - does a range of memory touch scratch memory?
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * Context: any, once kho_populate() ran.
 * Return: whether it does.
 */
bool kho_scratch_overlap(phys_addr_t phys, size_t size)
{
	unsigned int i;

	for (i = 0; i < nr_kho_scratch; i++)
		if (phys < kho_scratch[i].addr + kho_scratch[i].size &&
		    kho_scratch[i].addr < phys + size)
			return true;

	return false;
}

/**
 * kho_scratch_mark_cma - make the areas of an inherited scratch CMA memory
 *
 * Whatever was allocated from them so far stays; what is freed from now on is
 * for movable pages only.
 *
 * Context: early boot, when the struct pages of the areas are initialised, and
 * before any of them is freed. Those of a gigantic page are not: it lies in
 * scratch when it found no other room.
 */
void __init kho_scratch_mark_cma(void)
{
	unsigned int i;

	for (i = 0; i < nr_kho_scratch; i++) {
		unsigned long pfn = PHYS_PFN(kho_scratch[i].addr);
		unsigned long end = pfn + PHYS_PFN(kho_scratch[i].size);

		for (; pfn < end; pfn += pageblock_nr_pages) {
			struct zone *zone = kho_zone_of(pfn, early_pfn_to_nid(pfn));

			set_pageblock_migratetype(pfn_to_page(pfn), MIGRATE_CMA);
			zone->cma_pages += pageblock_nr_pages;
		}
	}
}

static void __init give_to_buddy(const struct kho_scratch *area)
{
	unsigned long pfn = PHYS_PFN(area->addr);
	unsigned long end = pfn + PHYS_PFN(area->size);

	for (; pfn < end; pfn += pageblock_nr_pages)
		init_cma_reserved_pageblock(pfn_to_page(pfn));
}

/**
 * kho_scratch_init - give freshly chosen areas to the buddy allocator, as CMA
 *
 * Context: an initcall, after deferred initialisation of struct pages.
 */
void __init kho_scratch_init(void)
{
	unsigned int i;

	for (i = 0; i < nr_kho_scratch; i++) {
		totalcma_pages += PHYS_PFN(kho_scratch[i].size);
		if (!kho_scratch_inherited)
			give_to_buddy(&kho_scratch[i]);
	}
}

/**
 * kho_image - does this kexec image hand over?
 * @image: a kexec image
 *
 * Return: whether it does.
 */
bool kho_image(const struct kimage *image)
{
	return image->kho.fdt;
}

/* On x86 a kernel moves itself within scratch, before it can know all this. */
static void warn_of_kaslr(const struct kimage *image)
{
	unsigned long pfn, end;
	unsigned int i;

	if (!IS_ENABLED(CONFIG_X86) ||
	    (image->cmdline_buf && strstr(image->cmdline_buf, "nokaslr")))
		return;

	for (i = 0; i < nr_kho_scratch; i++) {
		pfn = PHYS_PFN(kho_scratch[i].addr);
		end = pfn + PHYS_PFN(kho_scratch[i].size);
		pfn = kho_poison_next(pfn, end);
		if (pfn == end)
			continue;
		pr_warn("the page at %#llx in scratch memory is poisoned, and KASLR may put the next kernel there; boot that with nokaslr\n",
			(u64)PFN_PHYS(pfn));
		return;
	}
}

/*
 * The array of scratch areas travels as a segment. Not on x86: other kernels may
 * decompress themselves over that. There it is part of the setup_data, which
 * they keep off.
 */
static int add_scratch_segment(struct kimage *image)
{
	struct kexec_buf kbuf = {
		.image = image,
		.buffer = kho_scratch,
		.bufsz = array_size(nr_kho_scratch, sizeof(*kho_scratch)),
		.mem = KEXEC_BUF_MEM_UNKNOWN,
		.memsz = array_size(nr_kho_scratch, sizeof(*kho_scratch)),
		.buf_align = SZ_64K,
		.buf_max = ULONG_MAX,
		.top_down = true,
	};

	if (IS_ENABLED(CONFIG_X86))
		return 0;

	image->kho.scratch_id = image->nr_segments;

	return kexec_add_buffer(&kbuf);
}

/**
 * kho_prepare_image - let a kexec image hand over, if it can
 * @image: image that kexec_file_load() is preparing, without segments yet
 *
 * Context: kexec lock held.
 * Return: 0, or an errno with which the load fails.
 */
int kho_prepare_image(struct kimage *image)
{
	int err;

	if (!kho_is_enabled() || image->type == KEXEC_TYPE_CRASH)
		return 0;

	warn_of_kaslr(image);
	image->kho.fdt = kho_root_fdt();
	err = add_scratch_segment(image);
	trace_kho_prepare_image(image->kho.fdt, nr_kho_scratch, err);
	if (err)
		image->kho.fdt = 0;

	return err;
}

/**
 * kho_describe - what an image has to tell the next kernel of the handover
 * @image:        image for which kho_image() is true, with the array of scratch
 *                areas as a segment
 * @fdt_phys:     set to the physical address of the root FDT
 * @fdt_len:      set to its length
 * @scratch_phys: set to the physical address of the array of scratch areas
 * @scratch_len:  set to its length in bytes
 */
void kho_describe(const struct kimage *image, u64 *fdt_phys, u64 *fdt_len,
		  u64 *scratch_phys, u64 *scratch_len)
{
	const struct kexec_segment *scratch;

	scratch = &image->segment[image->kho.scratch_id];
	*fdt_phys = image->kho.fdt;
	*fdt_len = KHO_FDT_SIZE;
	*scratch_phys = scratch->mem;
	*scratch_len = scratch->bufsz;
}

/*
 * Could a page be taken for a new image? Not those that the running kernel or
 * the image loaded before has for good.
 */
static bool page_is_vacant(unsigned long pfn)
{
	phys_addr_t phys = PFN_PHYS(pfn);
	unsigned long i;

	if (PageReserved(pfn_to_page(pfn)))
		return false;

	if (!kexec_image)
		return true;

	for_each_set_bit(i, &kexec_image->kho.in_place, KEXEC_SEGMENT_MAX) {
		struct kexec_segment *segment = &kexec_image->segment[i];

		if (phys >= segment->mem && phys < segment->mem + segment->memsz)
			return false;
	}

	return true;
}

static int try_range(unsigned long start_pfn, unsigned long end_pfn,
		     struct kexec_buf *kbuf,
		     int (*func)(struct resource *res, void *arg))
{
	struct resource res = {
		.start = PFN_PHYS(start_pfn),
		.end = PFN_PHYS(end_pfn) - 1,
	};

	return start_pfn < end_pfn ? func(&res, kbuf) : 0;
}

static int try_vacant(unsigned long pfn, unsigned long end,
		      struct kexec_buf *kbuf,
		      int (*func)(struct resource *res, void *arg))
{
	unsigned long start = pfn;
	int ret;

	for (; pfn < end; pfn++) {
		if (page_is_vacant(pfn))
			continue;
		ret = try_range(start, pfn, kbuf, func);
		if (ret)
			return ret;
		start = pfn + 1;
	}

	return try_range(start, end, kbuf, func);
}

/* Try what lies between the poisoned pages of an area. */
static int try_area(const struct kho_scratch *area, bool vacant,
		    struct kexec_buf *kbuf,
		    int (*func)(struct resource *res, void *arg))
{
	unsigned long start = PHYS_PFN(area->addr), pfn;
	unsigned long end = start + PHYS_PFN(area->size);
	int ret = 0;

	for (; !ret && start < end; start = pfn + 1) {
		pfn = kho_poison_next(start, end);
		ret = vacant ? try_vacant(start, pfn, kbuf, func) :
			       try_range(start, pfn, kbuf, func);
	}

	return ret;
}

/* The area above @prev, or the lowest when that is NULL. */
static const struct kho_scratch *area_above(const struct kho_scratch *prev)
{
	const struct kho_scratch *next = NULL;
	unsigned int i;

	for (i = 0; i < nr_kho_scratch; i++) {
		const struct kho_scratch *area = &kho_scratch[i];

		if ((!prev || area->addr > prev->addr) &&
		    (!next || area->addr < next->addr))
			next = area;
	}

	return next;
}

/* Does a segment hold the initrd? */
static bool is_initrd(const struct kexec_buf *kbuf)
{
	return kbuf->buffer && kbuf->buffer == kbuf->image->initrd_buf;
}

/*
 * Say with which scratch memory a segment, and an initrd that comes after it,
 * would have had a place: with a global area that is larger by both, and by what
 * a kernel may take before it has read what is preserved.
 */
static void say_how_large(const struct kexec_buf *kbuf, phys_addr_t largest)
{
	phys_addr_t low = KHO_SCRATCH_ALIGN, global = 0, node = 0;
	unsigned int i;

	for (i = 0; i < nr_kho_scratch; i++)
		if (i == 0)
			low = kho_scratch[i].size;
		else if (i == 1)
			global = kho_scratch[i].size;
		else
			node = max(node, kho_scratch[i].size);

	global += kbuf->memsz + kbuf->buf_align + SZ_32M;
	if (!is_initrd(kbuf))
		global += kbuf->image->initrd_buf_len;
	global = ALIGN(global, KHO_SCRATCH_ALIGN);
	node = max_t(phys_addr_t, node, KHO_SCRATCH_ALIGN);

	pr_err("a part of %lu KiB of the kexec image does not fit in scratch memory, whose largest area has %llu KiB; boot cold with kho_scratch=%lluM,%lluM,%lluM\n",
	       kbuf->memsz / SZ_1K, (u64)largest / SZ_1K, (u64)low / SZ_1M,
	       (u64)global / SZ_1M, (u64)node / SZ_1M);
}

/**
 * kho_locate_mem_hole - find a place for a segment in scratch memory
 * @kbuf: the segment
 * @func: called for ranges of memory until it returns other than 0, which it
 *        does when it has set @kbuf->mem to a place in the range
 *
 * Preferably where nothing is but movable pages, so that the segment can be
 * written there at once. The lowest area comes first: there are architectures
 * that want the other segments above the kernel.
 *
 * Context: kexec lock held, process context.
 * Return: 0, or -EADDRNOTAVAIL with a message when it does not fit.
 */
int kho_locate_mem_hole(struct kexec_buf *kbuf,
			int (*func)(struct resource *res, void *arg))
{
	const struct kho_scratch *area;
	phys_addr_t largest = 0;

	for (area = area_above(NULL); area; area = area_above(area))
		if (try_area(area, true, kbuf, func))
			return 0;

	for (area = area_above(NULL); area; area = area_above(area)) {
		if (try_area(area, false, kbuf, func))
			return 0;
		largest = max(largest, area->size);
	}

	say_how_large(kbuf, largest);

	return -EADDRNOTAVAIL;
}

static bool segment_stays_writable(const struct kimage *image, unsigned int id)
{
#ifdef CONFIG_IMA_KEXEC
	/* Written again at reboot, through its source pages. */
	return id == image->ima_segment_index;
#else
	return false;
#endif
}

static bool load_in_place(struct kimage *image,
			  const struct kexec_segment *segment)
{
	unsigned long pfn = PHYS_PFN(segment->mem);
	unsigned long nr = PHYS_PFN(segment->memsz);
	unsigned int id = segment - image->segment;
	size_t done, chunk;
	void *dst;

	if (!nr || segment_stays_writable(image, id))
		return false;

	if (page_zone(pfn_to_page(pfn)) != page_zone(pfn_to_page(pfn + nr - 1)))
		return false;

	if (alloc_contig_range(pfn, pfn + nr, MIGRATE_CMA,
			       GFP_KERNEL | __GFP_NOWARN))
		return false;

	dst = phys_to_virt(segment->mem);
	for (done = 0; done < segment->memsz; done += chunk) {
		chunk = min_t(size_t, segment->memsz - done, SZ_1M);
		if (done < segment->bufsz) {
			chunk = min_t(size_t, chunk, segment->bufsz - done);
			memcpy(dst + done, segment->kbuf + done, chunk);
		} else {
			memset(dst + done, 0, chunk);
		}
		cond_resched();
	}

	__set_bit(id, &image->kho.in_place);

	return true;
}

/**
 * kho_load_segment - write a segment to the place where it belongs
 * @image:   image being loaded
 * @segment: one of its segments
 *
 * Context: kexec lock held, process context.
 * Return: true, or false when that is not possible now and the segment has to
 * be copied at the time of the kexec.
 */
bool kho_load_segment(struct kimage *image, const struct kexec_segment *segment)
{
	bool in_place;

	if (!kho_image(image))
		return false;

	/* To empty hundreds of MiB takes a while. */
	kho_allow_crash();
	in_place = load_in_place(image, segment);
	kho_disallow_crash();
	trace_kho_load_segment(segment - image->segment, segment->mem,
			       segment->memsz, in_place);

	return in_place;
}

/**
 * kho_segment_in_place - is a segment written to where it belongs already?
 * @image: image that was loaded
 * @id:    number of the segment
 *
 * Architecture code may have to write it back from the caches.
 *
 * Return: whether it is, and nobody copies it there at the time of the kexec.
 */
bool kho_segment_in_place(const struct kimage *image, unsigned int id)
{
	return test_bit(id, &image->kho.in_place);
}

/**
 * kho_free_segments - free the memory of segments that were written in place
 * @image: image that is given up
 *
 * Context: kexec lock held, process context.
 */
void kho_free_segments(struct kimage *image)
{
	unsigned long i;

	for_each_set_bit(i, &image->kho.in_place, KEXEC_SEGMENT_MAX)
		free_contig_range(PHYS_PFN(image->segment[i].mem),
				  PHYS_PFN(image->segment[i].memsz));
	image->kho.in_place = 0;
}

/**
 * kho_warn_legacy_load - say what an image from kexec_load() cannot do
 */
void kho_warn_legacy_load(void)
{
	if (kho_is_enabled())
		pr_warn("an image loaded by kexec_load() hands nothing over; use kexec_file_load() (kexec -s) for that\n");
}
