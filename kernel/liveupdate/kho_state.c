// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the state that all other files ask for: whether KHO is
 * enabled, what came in, where scratch memory is.
 *
 * Written by one processor, up to the core_initcalls, and read-only from then on:
 * there is no lock.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kconfig.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>

#include "kho_internal.h"

static bool kho_enabled __ro_after_init =
	IS_ENABLED(CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT);

struct kho_in kho_in __ro_after_init;

struct kho_takeover kho_takeover __initdata;

/* The scratch areas of this kernel. */
static const struct kho_scratch *kho_scratch __ro_after_init;
static unsigned int nr_kho_scratch __ro_after_init;

static int __init early_kho(char *p)
{
	return kstrtobool(p ?: "on", &kho_enabled);
}
early_param("kho", early_kho);

/**
 * kho_is_enabled - can memory be preserved over the next kexec?
 *
 * Context: any; final from subsys_initcall on.
 * Return: whether it can.
 */
bool kho_is_enabled(void)
{
	return kho_enabled;
}
EXPORT_SYMBOL_GPL(kho_is_enabled);

/**
 * kho_disable - preserve nothing over the next kexec
 * @reason: a message for the administrator; NULL when there was one already, or
 *          none is due
 *
 * Context: boot, up to the core_initcalls.
 */
void __init kho_disable(const char *reason)
{
	if (reason)
		pr_warn("%s\n", reason);
	kho_enabled = false;
}

/**
 * is_kho_boot - did this kernel receive a usable handover?
 *
 * Context: any, once kho_populate() ran; what it says may change from true to
 * false until kho_memory_init_early() ran.
 * Return: whether it did.
 */
bool is_kho_boot(void)
{
	return kho_in.fdt;
}
EXPORT_SYMBOL_GPL(is_kho_boot);

/**
 * kho_incoming_fdt - the root FDT that was handed in
 *
 * Return: the FDT, or NULL when there is none.
 */
const void *kho_incoming_fdt(void)
{
	return kho_in.fdt ? phys_to_virt(kho_in.fdt) : NULL;
}

/**
 * kho_find_subtree - what the previous kernel said of a blob
 * @name: of the subtree
 * @phys: set to the physical address of the blob, for the caller to check
 * @size: set to its size, likewise
 *
 * Context: any, once kho_memory_init_early() found the handover usable.
 * Return: 0, -ENOENT when there is no such subtree or no handover, -EIO when there is
 * none but what came in is damaged, or -EINVAL when the address is not that of a page
 * or the size cannot be.
 */
int kho_find_subtree(const char *name, u64 *phys, u64 *size)
{
	const void *fdt = kho_incoming_fdt();

	return fdt ? kho_find_subtree_in(fdt, name, phys, size) : -ENOENT;
}

/**
 * kho_scratch_set - say where scratch memory is
 * @areas: the areas; the array stays in use
 * @nr:    their number, 0 for no scratch memory
 *
 * Context: early boot.
 */
void __init kho_scratch_set(const struct kho_scratch *areas, unsigned int nr)
{
	kho_scratch = areas;
	nr_kho_scratch = nr;
}

/**
 * kho_scratch_areas - the scratch areas
 * @nr: set to their number
 *
 * Return: the array of areas, which never changes after boot.
 */
const struct kho_scratch *kho_scratch_areas(unsigned int *nr)
{
	*nr = nr_kho_scratch;
	return kho_scratch;
}

/**
 * kho_scratch_overlap - does a range of memory touch scratch memory?
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * Context: any, once kho_populate() ran.
 * Return: whether it does.
 */
bool kho_scratch_overlap(phys_addr_t phys, size_t size)
{
	unsigned int i;

	for (i = 0; i < nr_kho_scratch; i++)
		if (phys < kho_scratch[i].addr + kho_scratch[i].size &&
		    kho_scratch[i].addr < phys + size)
			return true;

	return false;
}
