/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For memblock's tests, which run in user space: no kexec handover.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _TOOLS_KHO_HOOKS_H
#define _TOOLS_KHO_HOOKS_H

static inline phys_addr_t kho_first_phys(void)
{
	return 0;
}

static inline void kho_memory_reserve_scratch(void)
{
}

static inline void kho_memory_release(void)
{
}

static inline bool kho_reserve_mem(const char *name, phys_addr_t size,
				   phys_addr_t align, phys_addr_t *start)
{
	return false;
}

#endif /* _TOOLS_KHO_HOOKS_H */
