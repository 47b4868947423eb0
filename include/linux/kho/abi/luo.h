/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the live update orchestrator (LUO).
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_LUO_H
#define _LINUX_KHO_ABI_LUO_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include <asm/page.h>
#include <uapi/linux/liveupdate.h>

/* KHO subtree, and the string its blob begins with. */
#define LUO_KHO_ENTRY_NAME	"LUO"
#define LUO_ABI_COMPATIBLE	"luo-v5"
#define LUO_ABI_COMPAT_LENGTH	8

/* A compatible string of a handler and of an FLB, with its NUL. */
#define LIVEUPDATE_HNDL_COMPAT_LENGTH	48
#define LIVEUPDATE_FLB_COMPAT_LENGTH	48

/**
 * struct luo_ser - the subtree's blob
 * @compatible:     LUO_ABI_COMPATIBLE, padded with NUL
 * @liveupdate_num: 1 for the first update after a cold boot, one more with each
 * @sessions_pa:    first block of &struct luo_session_ser, 0 for no sessions
 * @flbs_pa:        page of &struct luo_flb_header_ser
 */
struct luo_ser {
	char compatible[LUO_ABI_COMPAT_LENGTH];
	u64 liveupdate_num;
	u64 sessions_pa;
	u64 flbs_pa;
} __packed;

static_assert(sizeof(struct luo_ser) == 32);
static_assert(offsetof(struct luo_ser, liveupdate_num) == 8);
static_assert(offsetof(struct luo_ser, sessions_pa) == 16);
static_assert(offsetof(struct luo_ser, flbs_pa) == 24);

/**
 * struct luo_session_ser - a session
 * @name:  as userspace gave it, NUL-terminated
 * @files: first block of &struct luo_file_ser, 0 for an empty session
 * @count: number of files
 */
struct luo_session_ser {
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	u64 files;
	u64 count;
} __packed;

static_assert(sizeof(struct luo_session_ser) == 80);
static_assert(offsetof(struct luo_session_ser, files) == 64);
static_assert(offsetof(struct luo_session_ser, count) == 72);

/**
 * struct luo_file_ser - a file; they stand in the order of preservation
 * @compatible: names the handler
 * @data:       the handler's own
 * @token:      by which userspace asks for the file
 */
struct luo_file_ser {
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	u64 data;
	u64 token;
} __packed;

static_assert(sizeof(struct luo_file_ser) == 64);
static_assert(offsetof(struct luo_file_ser, data) == 48);
static_assert(offsetof(struct luo_file_ser, token) == 56);

/**
 * struct luo_flb_header_ser - head of the page of FLB state
 * @pgcnt: pages, this one included: 1
 * @count: entries that follow
 */
struct luo_flb_header_ser {
	u64 pgcnt;
	u64 count;
} __packed;

static_assert(sizeof(struct luo_flb_header_ser) == 16);
static_assert(offsetof(struct luo_flb_header_ser, count) == 8);

/**
 * struct luo_flb_ser - state that files share; follows the head of the page
 * @name:  compatible string of the FLB
 * @data:  the FLB's own
 * @count: number of preserved files that depend on it
 */
struct luo_flb_ser {
	char name[LIVEUPDATE_FLB_COMPAT_LENGTH];
	u64 data;
	u64 count;
} __packed;

static_assert(sizeof(struct luo_flb_ser) == 64);
static_assert(offsetof(struct luo_flb_ser, data) == 48);
static_assert(offsetof(struct luo_flb_ser, count) == 56);

/* So many fit into the page, and into the smallest page that there is. */
#define LUO_FLB_PER_PAGE						\
	((PAGE_SIZE - sizeof(struct luo_flb_header_ser)) /		\
	 sizeof(struct luo_flb_ser))
#define LUO_FLB_MAX	63

/**
 * struct luo_flb_sum_ser - checksum of FLB state, in the last bytes of the page
 * @magic: LUO_FLB_SUM_MAGIC; other kernels write no checksum
 * @sum:   CRC-32 of all of the page before
 */
struct luo_flb_sum_ser {
	u64 magic;
	u64 sum;
} __packed;

#define LUO_FLB_SUM_MAGIC	0x6d75732d626c66ULL	/* "flb-sum" */

/* Entries leave room for it. */
static_assert(sizeof(struct luo_flb_header_ser) +
	      LUO_FLB_PER_PAGE * sizeof(struct luo_flb_ser) +
	      sizeof(struct luo_flb_sum_ser) <= PAGE_SIZE);

#endif /* _LINUX_KHO_ABI_LUO_H */
