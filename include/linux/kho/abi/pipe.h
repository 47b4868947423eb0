/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of preserved pipes.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_PIPE_H
#define _LINUX_KHO_ABI_PIPE_H

#include <linux/build_bug.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define PIPE_LUO_FH_COMPATIBLE	"pipe-lts-v1"

/* Flags of struct pipe_luo_data_ser. */
#define PIPE_LUO_DATA_PACKET	0x001

/**
 * struct pipe_luo_data_ser - data in the pipe, in one folio
 * @pfn:    the first page frame of the folio; 0 for zeroes, at most a page of them
 * @flags:  PIPE_LUO_DATA_*
 * @offset: of the data in the folio, in bytes
 * @len:    bytes, not 0
 *
 * Each folio is in one record only. A packet is what one read() returns at most.
 */
struct pipe_luo_data_ser {
	u64 pfn:52;
	u64 flags:12;
	u32 offset;
	u32 len;
} __packed __aligned(8);

static_assert(sizeof(struct pipe_luo_data_ser) == 16);
static_assert(sizeof(struct pipe_luo_data_ser) ==
	      sizeof(struct memfd_luo_folio_ser));
static_assert(offsetof(struct pipe_luo_data_ser, offset) == 8);
static_assert(offsetof(struct pipe_luo_data_ser, len) == 12);

/**
 * struct pipe_luo_ser - a pipe
 * @mode:    which end of it was preserved: O_RDONLY, O_WRONLY or O_RDWR
 * @nr_bufs: how many buffers the pipe has, a power of two
 * @nr_data: entries in @data, at most @nr_bufs
 * @data:    vmalloc array of &struct pipe_luo_data_ser, in the order in which
 *           they are read; not set when the pipe is empty
 * @sum:     XXH64 of what is before it, whose seed is the XXH64 of &struct
 *           memfd_luo_sums, whose seed is the identity of the file. Without
 *           data, the identity is the only seed
 *
 * The checksums of the records are behind the last one. These, and the identity
 * of the file, are as for memfds, see &struct memfd_luo_sum_ser.
 */
struct pipe_luo_ser {
	u32 mode;
	u32 nr_bufs;
	u64 nr_data;
	struct kho_vmalloc data;
	u64 sum;
} __packed;

static_assert(sizeof(struct pipe_luo_ser) == 40);
static_assert(offsetof(struct pipe_luo_ser, nr_bufs) == 4);
static_assert(offsetof(struct pipe_luo_ser, nr_data) == 8);
static_assert(offsetof(struct pipe_luo_ser, data) == 16);
static_assert(offsetof(struct pipe_luo_ser, sum) == 32);

#endif /* _LINUX_KHO_ABI_PIPE_H */
