/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): clients of early boot.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_EARLY_H
#define _LINUX_KHO_EARLY_H

#include <linux/compiler_attributes.h>
#include <linux/init.h>
#include <linux/types.h>

/**
 * struct kho_early_client - who takes something over before the buddy allocator
 * is up
 * @receive: called when all that is preserved is reserved in memblock, unless the
 *           handover is not usable; may be NULL
 * @release: called when each preserved block is marked, to give to the buddy
 *           allocator what came in and nobody claimed; may be NULL
 * @lost:    called when not all that is preserved is known, as the handover is not
 *           usable, or damaged, before memory of the previous kernel is used; but not in
 *           a crash kernel; may be NULL
 *
 * Clients are called in no particular order.
 */
struct kho_early_client {
	void (*receive)(void);
	void (*release)(void);
	void (*lost)(void);
};

#define __KHO_EARLY_CLIENT(_name, ...)					\
	static const struct kho_early_client __kho_early_client_##_name	\
	__used __section(".kho_early_client.init")			\
	__aligned(sizeof(void *)) = { __VA_ARGS__ }

/* A client called _name; its functions are __init, either may be NULL. */
#define KHO_EARLY_CLIENT(_name, _receive, _release)			\
	__KHO_EARLY_CLIENT(_name, .receive = _receive, .release = _release)

/* One that is called only when not all that is preserved is known. */
#define KHO_EARLY_LOST(_name, _lost)					\
	__KHO_EARLY_CLIENT(_name, .lost = _lost)

/* The table of clients, which the linker makes. */
extern const struct kho_early_client __start_kho_early_clients[];
extern const struct kho_early_client __end_kho_early_clients[];

int kho_copy_subtree_early(const char *name, void *buf, size_t size);

#ifdef CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP
void kho_memmap_expect(unsigned int order);
#else
static inline void kho_memmap_expect(unsigned int order) { }
#endif

#endif /* _LINUX_KHO_EARLY_H */
