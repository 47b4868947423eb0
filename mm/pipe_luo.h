/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of pipes: what its files share, under the file that defines it,
 * from below. A file calls only files that stand above it here.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_PIPE_LUO_H
#define _MM_PIPE_LUO_H

#include <linux/fs.h>
#include <linux/kho/abi/pipe.h>
#include <linux/pipe_fs_i.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/xxhash.h>

#include "memfd_luo.h"

struct liveupdate_file_op_args;

/* The checksum of a record; @seed is that of the records of its data. */
static inline u64 pipe_luo_sum(const struct pipe_luo_ser *ser, u64 seed)
{
	return xxh64(ser, offsetof(struct pipe_luo_ser, sum), seed);
}

static inline struct pipe_luo_data_ser *
pipe_luo_record_at(const struct memfd_luo_records *records, unsigned long i)
{
	return (void *)memfd_luo_record_at(records, i);
}

/* pipe_luo_retrieve.c */
extern const struct pipe_buf_operations pipe_luo_buf_ops;

int pipe_luo_retrieve(struct liveupdate_file_op_args *args);
void pipe_luo_finish(struct liveupdate_file_op_args *args);

/* pipe_luo_collect.c */

/**
 * struct pipe_luo - a preserved pipe
 * @ser:       its record, in preserved memory
 * @records:   those of its data, &struct pipe_luo_data_ser; their folios are
 *             preserved
 * @pipe:      the pipe, which looks empty and full
 * @head:      where its buffers end; they begin at its tail
 * @pageblock: the last one in which a folio can stay, by its first page frame
 */
struct pipe_luo {
	struct pipe_luo_ser *ser;
	struct memfd_luo_records records;
	struct pipe_inode_info *pipe;
	unsigned int head;
	unsigned long pageblock;
};

int pipe_luo_collect(struct pipe_luo *pl);
void pipe_luo_drop(struct pipe_luo *pl);

#endif /* _MM_PIPE_LUO_H */
