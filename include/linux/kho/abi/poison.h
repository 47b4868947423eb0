/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the list of poisoned pages.
 *
 * Not part of what other kernels know: they leave the subtree alone.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_POISON_H
#define _LINUX_KHO_ABI_POISON_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* Name of the subtree. */
#define KHO_POISON_NAME			"poisoned-pages"
#define KHO_POISON_COMPATIBLE		"poisoned-pages-v1"
#define KHO_POISON_COMPAT_LENGTH	32

/**
 * struct kho_poison_ser - pages whose contents are lost
 * @compatible: KHO_POISON_COMPATIBLE, padded with NUL
 * @nr:         entries in @addrs
 * @addrs:      physical addresses of pages, in no order
 *
 * The list changes up to the jump. It is one page at most.
 */
struct kho_poison_ser {
	char compatible[KHO_POISON_COMPAT_LENGTH];
	u64 nr;
	u64 addrs[];
} __packed;

static_assert(sizeof(struct kho_poison_ser) == 40);
static_assert(offsetof(struct kho_poison_ser, nr) == 32);

#endif /* _LINUX_KHO_ABI_POISON_H */
