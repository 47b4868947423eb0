/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of preserved memfds.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_MEMFD_H
#define _LINUX_KHO_ABI_MEMFD_H

#include <linux/build_bug.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include <uapi/linux/fcntl.h>

#define MEMFD_LUO_FH_COMPATIBLE	"memfd-v2"

/* Seals that travel; a memfd with any other cannot be preserved. */
#define MEMFD_LUO_ALL_SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | \
				 F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/* Flags of struct memfd_luo_folio_ser. */
#define MEMFD_LUO_FOLIO_DIRTY		0x001
#define MEMFD_LUO_FOLIO_UPTODATE	0x002

/**
 * struct memfd_luo_folio_ser - a folio of the file
 * @pfn:   its first page frame; 0 for a hole, to be skipped
 * @flags: MEMFD_LUO_FOLIO_*
 * @index: offset in the file, in pages
 */
struct memfd_luo_folio_ser {
	u64 pfn:52;
	u64 flags:12;
	u64 index;
} __packed __aligned(8);

static_assert(sizeof(struct memfd_luo_folio_ser) == 16);
static_assert(offsetof(struct memfd_luo_folio_ser, index) == 8);

/**
 * struct memfd_luo_ser - a memfd
 * @pos:       file position at the time of the freeze
 * @size:      bytes
 * @seals:     F_SEAL_*
 * @flags:     0
 * @nr_folios: entries in @folios
 * @folios:    vmalloc array of &struct memfd_luo_folio_ser, not set when there
 *             are no folios
 */
struct memfd_luo_ser {
	u64 pos;
	u64 size;
	u32 seals;
	u32 flags;
	u64 nr_folios;
	struct kho_vmalloc folios;
} __packed;

static_assert(sizeof(struct memfd_luo_ser) == 48);
static_assert(offsetof(struct memfd_luo_ser, size) == 8);
static_assert(offsetof(struct memfd_luo_ser, seals) == 16);
static_assert(offsetof(struct memfd_luo_ser, flags) == 20);
static_assert(offsetof(struct memfd_luo_ser, nr_folios) == 24);
static_assert(offsetof(struct memfd_luo_ser, folios) == 32);

#define MEMFD_LUO_SUM_MAGIC	0x68787864666d656dULL	/* "memfdxxh" */

/**
 * struct memfd_luo_sums - what the checksum of the array of folios is made of
 * @pages: XXH64, seed 0, of the physical addresses of the array's pages, u64
 *         each, in their order
 * @table: XXH64, seed 0, of the table that stands behind the last record in the
 *         array: for each page of records their XXH64, seed 0, as u64
 */
struct memfd_luo_sums {
	u64 pages;
	u64 table;
};

static_assert(sizeof(struct memfd_luo_sums) == 16);

/**
 * struct memfd_luo_sum_ser - a checksum, behind the record in its page
 * @magic: MEMFD_LUO_SUM_MAGIC
 * @sum:   XXH64 of &struct memfd_luo_ser, whose seed is the XXH64 of &struct
 *         memfd_luo_sums, whose seed is the identity of the file. Without
 *         folios, the identity is the only seed
 *
 * The identity is the CRC-32, as of crc32_le(), from ~0, of the name of the
 * session with its padding and the token of the file; 1 if that is 0.
 *
 * Not part of the format: kernels that do not know it leave zeroes there, and
 * do not look at it.
 */
struct memfd_luo_sum_ser {
	u64 magic;
	u64 sum;
} __packed;

static_assert(sizeof(struct memfd_luo_sum_ser) == 16);
static_assert(offsetof(struct memfd_luo_sum_ser, sum) == 8);

#define MEMFD_LUO_COUNT_MAGIC	0x73677064666d656dULL	/* "memfdpgs" */

/**
 * struct memfd_luo_count_ser - how large a memfd is, behind the checksum
 * @magic:    MEMFD_LUO_COUNT_MAGIC
 * @nr_pages: pages in all its folios
 *
 * Neither part of the format nor of the checksum. It is believed as long as the
 * folios are not there.
 */
struct memfd_luo_count_ser {
	u64 magic;
	u64 nr_pages;
} __packed;

static_assert(sizeof(struct memfd_luo_count_ser) == 16);
static_assert(offsetof(struct memfd_luo_count_ser, nr_pages) == 8);

#endif /* _LINUX_KHO_ABI_MEMFD_H */
