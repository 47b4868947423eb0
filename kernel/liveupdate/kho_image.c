// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): places the segments of a kexec image in scratch memory.
 *
 * The next kernel overwrites nothing but scratch memory before it knows what is
 * preserved, so all segments of its image go there. A segment is written to its
 * place when the image is loaded, if the movable pages that are there can move
 * away. Else it is copied there at the time of the kexec, as without KHO.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <trace/events/kho.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* What a kernel allocates of scratch memory before it has read what is preserved. */
#define EARLY_BOOT_ROOM	SZ_32M

/*
 * May a page become free for a new image? Reserved pages of the running kernel
 * and pages of the image that is loaded already do not.
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
	const struct kho_scratch *areas, *next = NULL;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++) {
		const struct kho_scratch *area = &areas[i];

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
 * Say which sizes of scratch memory would do: the present ones, with a global
 * area that has room for the segment, for an initrd that is placed after it,
 * and for what a kernel allocates before it has read what is preserved.
 */
static void say_how_large(const struct kexec_buf *kbuf, phys_addr_t largest)
{
	phys_addr_t low = KHO_SCRATCH_ALIGN, global = 0, node = 0;
	const struct kho_scratch *areas;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++)
		if (i == 0)
			low = areas[i].size;
		else if (i == 1)
			global = areas[i].size;
		else
			node = max(node, areas[i].size);

	global += kbuf->memsz + kbuf->buf_align + EARLY_BOOT_ROOM;
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
 * A place with nothing but movable pages is preferred: the segment can be
 * written there when it is loaded. The lowest area comes first, as some
 * architectures want the other segments above the kernel.
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

/* Can a segment be written to a place when the image is loaded? */
static bool place_is_vacant(const struct kimage *image, unsigned int id,
			    phys_addr_t start)
{
	phys_addr_t end = start + image->segment[id].memsz;
	unsigned long i, pfn;

	for (i = 0; i < image->nr_segments; i++)
		if (i != id && start < image->segment[i].mem +
				       image->segment[i].memsz &&
		    image->segment[i].mem < end)
			return false;

	if (kho_poison_next(PHYS_PFN(start), PHYS_PFN(end)) != PHYS_PFN(end))
		return false;

	for (pfn = PHYS_PFN(start); pfn < PHYS_PFN(end); pfn++)
		if (!page_is_vacant(pfn))
			return false;

	return true;
}

/* How many places, @align apart, does an area have from @min on? */
static u64 places_in(const struct kho_scratch *area, u64 size, u64 min,
		     u64 align)
{
	u64 first = ALIGN(max_t(u64, area->addr, min), align);
	u64 end = area->addr + area->size;

	return first + size <= end ? (end - first - size) / align + 1 : 0;
}

/**
 * kho_place_randomly - move a segment to a place that nobody can guess
 * @image: a kexec image with all its segments, which are not loaded yet
 * @id:    the segment
 * @min:   the lowest address to which it may go
 * @align: a power of two, of which its address is a multiple
 *
 * All places in scratch memory are equally likely to which the segment can be
 * written when it is loaded. When there are few of these, or none, it may stay.
 *
 * Context: kexec lock held, process context.
 */
void kho_place_randomly(struct kimage *image, unsigned int id,
			unsigned long min, unsigned long align)
{
	struct kexec_segment *segment = &image->segment[id];
	const struct kho_scratch *areas;
	u64 total = 0, place, places;
	unsigned int i, nr, tries;
	phys_addr_t start;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++)
		total += places_in(&areas[i], segment->memsz, min, align);

	for (tries = 0; total && tries < 100; tries++) {
		place = get_random_u64() % total;
		for (i = 0; i < nr; i++) {
			places = places_in(&areas[i], segment->memsz, min,
					   align);
			if (place < places)
				break;
			place -= places;
		}
		start = ALIGN(max_t(u64, areas[i].addr, min), align) +
			place * align;
		if (place_is_vacant(image, id, start)) {
			segment->mem = start;
			return;
		}
	}
}

/* The segment, of those that have a place, that is in the way of a range. */
static const struct kexec_segment *segment_in(const struct kimage *image,
					      unsigned long start, unsigned long end)
{
	const struct kexec_segment *segment = image->segment;

	for (; segment < image->segment + image->nr_segments; segment++)
		if (segment->memsz && start < segment->mem + segment->memsz &&
		    segment->mem < end)
			return segment;
	return NULL;
}

/* The highest place in a range that no segment is in. */
static int find_place(struct resource *res, void *arg)
{
	struct kexec_buf *kbuf = arg;
	unsigned long end = res->end + 1, start = max(res->start, kbuf->buf_min);
	const struct kexec_segment *segment;

	for (; end > start && end - start >= kbuf->memsz; end = segment->mem) {
		segment = segment_in(kbuf->image, end - kbuf->memsz, end);
		if (segment)
			continue;
		kbuf->mem = end - kbuf->memsz;
		return 1;
	}
	return 0;
}

/**
 * kho_place_again - find a place for a segment that has become larger
 * @image: a kexec image with all its segments, which are not loaded yet
 * @id:    the segment
 * @memsz: its new size in memory, a multiple of the size of a page
 * @min:   the lowest address to which it may go, likewise
 *
 * Context: kexec lock held, process context.
 * Return: whether there is one, to which it can be written when it is loaded. If
 * not, nothing has changed.
 */
bool kho_place_again(struct kimage *image, unsigned int id, size_t memsz,
		     unsigned long min)
{
	struct kexec_segment *segment = &image->segment[id];
	struct kexec_buf kbuf = {
		.image = image,
		.memsz = memsz,
		.buf_min = min,
	};
	const size_t old_memsz = segment->memsz;
	const struct kho_scratch *area;
	bool found = false;

	segment->memsz = 0;
	/* In the highest area that has one: what is low is scarce. */
	for (area = area_above(NULL); area; area = area_above(area))
		found |= try_area(area, true, &kbuf, find_place);
	segment->memsz = found ? memsz : old_memsz;
	if (found)
		segment->mem = kbuf.mem;
	return found;
}

/**
 * kho_room_for - how large may a segment become?
 * @image: a kexec image with all its segments
 * @id:    the segment
 *
 * The next kernel needs room besides, and kexec takes no image that is larger than
 * half of memory, see sanity_check_segment_list().
 *
 * Context: process context.
 * Return: bytes.
 */
size_t kho_room_for(const struct kimage *image, unsigned int id)
{
	u64 used = 0, scratch = 0, largest = 0, half;
	const struct kho_scratch *area;
	unsigned int i;

	for (i = 0; i < image->nr_segments; i++)
		if (i != id)
			used += image->segment[i].memsz;
	for (area = area_above(NULL); area; area = area_above(area)) {
		scratch += area->size;
		largest = max_t(u64, largest, area->size);
	}
	half = PFN_PHYS(totalram_pages() / 2);
	half -= min(half, used);
	scratch -= min(scratch, used + EARLY_BOOT_ROOM);

	return min3(half, scratch, largest);
}

static bool segment_stays_writable(const struct kimage *image, unsigned int id)
{
#ifdef CONFIG_IMA_KEXEC
	/* At reboot, IMA writes to the pages that are copied from. */
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

	/* To empty the place of a large segment takes long. */
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
 * Return: whether it is, and is not copied there at the time of the kexec.
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
 * kho_poison_check_image - can a kexec image still go to where it belongs?
 * @image: the image; one that does not hand over is not looked at
 *
 * Memory may have failed since the image was loaded.
 *
 * Context: kexec lock held.
 * Return: 0, or -EHWPOISON with a message.
 */
int kho_poison_check_image(const struct kimage *image)
{
	unsigned long i, pfn, end;

	if (!kho_image(image))
		return 0;

	for (i = 0; i < image->nr_segments; i++) {
		end = PHYS_PFN(image->segment[i].mem + image->segment[i].memsz);
		pfn = kho_poison_next(PHYS_PFN(image->segment[i].mem), end);
		if (pfn == end)
			continue;
		pr_err("the page at %#llx is poisoned, where the kexec image goes; load it again\n",
		       (u64)PFN_PHYS(pfn));
		return -EHWPOISON;
	}

	return 0;
}
