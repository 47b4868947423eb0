// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: arrays of units, as they are written and as they
 * come in. Their memory and their checksums are those of the records of folios.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "tmpfs_luo: " fmt

#include <linux/bitmap.h>
#include <linux/kexec_handover.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "tmpfs_luo.h"

/**
 * tmpfs_luo_add - add data to an array
 * @units: the array
 * @data:  what to add
 * @size:  bytes; the last unit is filled up with zeroes
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int tmpfs_luo_add(struct memfd_luo_records *units, const void *data,
		  size_t size)
{
	size_t room, n;
	void *unit;
	int err;

	err = memfd_luo_records_reserve(units, tmpfs_luo_units(size));
	if (err)
		return err;

	for (; size; data += n, size -= n) {
		unit = memfd_luo_record_at(units, units->nr);
		room = PAGE_SIZE - offset_in_page(unit);
		n = min(size, room);
		memcpy(unit, data, n);
		memset(unit + n, 0, round_up(n, TMPFS_LUO_UNIT) - n);
		units->nr += tmpfs_luo_units(n);
	}
	return 0;
}

/**
 * tmpfs_luo_preserve_array - preserve an array
 * @units:    the array; nothing more can be added
 * @ser:      filled in; kho_unpreserve_vmalloc() undoes it if there are units
 * @identity: of the file, which the checksum begins with
 *
 * Context: may sleep.
 * Return: 0, or an errno of kho_preserve_page_array().
 */
int tmpfs_luo_preserve_array(struct memfd_luo_records *units,
			     struct tmpfs_luo_array_ser *ser, u32 identity)
{
	u64 sum;
	int err;

	if (!units->nr)
		return 0;
	err = memfd_luo_records_preserve(units, identity, &ser->units, &sum);
	if (err)
		return err;
	ser->nr = units->nr;
	ser->sum = sum;
	return 0;
}

/**
 * tmpfs_luo_array_ok - is an array complete that came in?
 * @ser:      where it is, with its checksum verified
 * @identity: of the file
 *
 * The pages of units are not looked at here.
 *
 * Context: may sleep.
 * Return: whether the list of its pages, and their checksums are not damaged.
 */
bool tmpfs_luo_array_ok(const struct tmpfs_luo_array_ser *ser, u32 identity)
{
	u64 sum;

	return !ser->nr ||
	       (ser->nr <= ser->units.total_pages * MEMFD_LUO_PER_PAGE &&
		memfd_luo_records_sum(&ser->units, ser->nr, identity, &sum) &&
		sum == ser->sum);
}

/* The pages that the units are in. */
static u64 nr_pages(const struct tmpfs_luo_array *array)
{
	return memfd_luo_nr_sums(array->nr);
}

/**
 * tmpfs_luo_restore_array - restore an array, and find what is damaged of it
 * @ser:   where it is, after tmpfs_luo_array_ok()
 * @array: the array, which is empty
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int tmpfs_luo_restore_array(const struct tmpfs_luo_array_ser *ser,
			    struct tmpfs_luo_array *array)
{
	const struct memfd_luo_folio_ser *units;
	const u64 *sums;
	u64 i, first;

	if (!ser->nr)
		return 0;
	array->units = kho_restore_vmalloc(&ser->units);
	if (!array->units)
		return -ENOMEM;

	array->nr = ser->nr;
	array->bad = kvcalloc(BITS_TO_LONGS(nr_pages(array)), sizeof(long),
			      GFP_KHO_RESTORE);
	units = array->units;
	sums = (const u64 *)(units + array->nr);
	for (i = 0; i < nr_pages(array); i++) {
		first = i * MEMFD_LUO_PER_PAGE;
		if (!memfd_luo_page_ok(units + first, array->nr - first,
				       sums[i]))
			__set_bit(i, array->bad);
		cond_resched();
	}
	return 0;
}

/**
 * tmpfs_luo_alloc_in - allocate memory to make what came in
 * @size: bytes
 * @gfp:  flags beside GFP_KHO_RESTORE
 *
 * kvmalloc() gives up beyond INT_MAX bytes, even if it is not to fail. So many are
 * the records of a file of 512 GiB in pages of 4 KiB.
 *
 * Context: may sleep.
 * Return: the memory, for kvfree().
 */
void *tmpfs_luo_alloc_in(size_t size, gfp_t gfp)
{
	gfp |= GFP_KHO_RESTORE;
	return size > INT_MAX ? __vmalloc(size, gfp) : kvmalloc(size, gfp);
}

/**
 * tmpfs_luo_free_array - free an array that came in
 * @array: the array; it is empty then
 *
 * Context: may sleep.
 */
void tmpfs_luo_free_array(struct tmpfs_luo_array *array)
{
	kvfree(array->bad);
	vfree(array->units);
	*array = (struct tmpfs_luo_array) {};
}

/**
 * tmpfs_luo_page_ok - is the page of a unit as it was written?
 * @array: the array
 * @i:     the unit, which there is
 *
 * Return: whether it is.
 */
bool tmpfs_luo_page_ok(const struct tmpfs_luo_array *array, u64 i)
{
	return !test_bit(i / MEMFD_LUO_PER_PAGE, array->bad);
}

/**
 * tmpfs_luo_get - get units
 * @array: the array
 * @i:     the first one
 * @nr:    how many, one at least
 *
 * Return: the first unit, or NULL if they are not all there, or are damaged.
 */
void *tmpfs_luo_get(const struct tmpfs_luo_array *array, u64 i, u64 nr)
{
	u64 end;

	if (i >= array->nr || nr > array->nr - i)
		return NULL;
	end = memfd_luo_nr_sums(i + nr);
	if (find_next_bit(array->bad, end, i / MEMFD_LUO_PER_PAGE) < end)
		return NULL;
	return array->units + i * TMPFS_LUO_UNIT;
}
