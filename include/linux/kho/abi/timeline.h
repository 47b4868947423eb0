/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the timeline of a live update.
 *
 * Not part of what other kernels know: they leave the subtree alone.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_TIMELINE_H
#define _LINUX_KHO_ABI_TIMELINE_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* Name of the subtree. */
#define KHO_TIMELINE_NAME		"kexec-timeline"
#define KHO_TIMELINE_COMPATIBLE		"kexec-timeline-v1"
#define KHO_TIMELINE_COMPAT_LENGTH	32
#define KHO_TIMELINE_WORD_LENGTH	24

/**
 * struct kho_timeline_moment_ser - a moment in the previous kernel
 * @word:   what happened then, padded with NUL
 * @cycles: the processor's counter, as of get_cycles(), which a kexec does not
 *          reset; 0 when it did not happen
 */
struct kho_timeline_moment_ser {
	char word[KHO_TIMELINE_WORD_LENGTH];
	u64 cycles;
} __packed;

static_assert(sizeof(struct kho_timeline_moment_ser) == 32);
static_assert(offsetof(struct kho_timeline_moment_ser, cycles) == 24);

/**
 * struct kho_timeline_ser - header of the subtree
 * @compatible: KHO_TIMELINE_COMPATIBLE, padded with NUL
 * @nr:         entries in @moments, which are in the order of time
 * @moments:    up to the jump
 */
struct kho_timeline_ser {
	char compatible[KHO_TIMELINE_COMPAT_LENGTH];
	u64 nr;
	struct kho_timeline_moment_ser moments[];
} __packed;

static_assert(sizeof(struct kho_timeline_ser) == 40);
static_assert(offsetof(struct kho_timeline_ser, nr) == 32);

#endif /* _LINUX_KHO_ABI_TIMELINE_H */
