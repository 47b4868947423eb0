// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): what loading and starting an image must keep to.
 *
 * Where the segments of an image go is in kho_scratch.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/efi.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/of.h>
#include <linux/of_fdt.h>
#include <linux/smp.h>

#include <asm/efi.h>

#include "../kexec_internal.h"
#include "kho_internal.h"

/*
 * A value of the kexec lock besides 0, free, and 1, held: held by somebody who
 * leaves the crash kernel alone.
 */
#define KEXEC_LOCK_YIELDS	2

/*
 * Does kexec_file_load() give the next kernel all of the devicetree that there
 * is? On x86 it gives none; most machines there have none.
 */
static bool devicetree_goes_along(void)
{
	struct device_node *root;
	bool described;

	if (!IS_ENABLED(CONFIG_X86))
		return true;

	root = of_find_node_by_path("/");
	described = root && of_property_present(root, "compatible");
	of_node_put(root);

	return !described;
}

/**
 * kho_file_flags - flags of kexec_file_load() that ask for something
 * @flags: the flags as the caller gave them
 *
 * Later kernels know more flags, and kexec tools pass them. When they get
 * -EINVAL some of the tools use kexec_load() instead, which hands nothing over.
 * Two of the flags ask for what is so anyway: no segment of an image that hands
 * nothing over is allocated from CMA memory, and those of one that does have no
 * other place; and the devicetree, if any, is handed on.
 *
 * Return: @flags without those.
 */
unsigned long kho_file_flags(unsigned long flags)
{
	flags &= ~KEXEC_FILE_NO_CMA;
	if (devicetree_goes_along())
		flags &= ~KEXEC_FILE_FORCE_DTB;

	return flags;
}

/**
 * kho_allow_crash - let a panic have the kexec lock from now on
 *
 * Without the lock a panic does not start the crash kernel. Who holds the lock
 * for long, to wait for others, allows that the panic takes it over.
 *
 * Context: process context, kexec lock held, by somebody who leaves the crash
 * kernel's image alone until kho_disallow_crash().
 */
void kho_allow_crash(void)
{
	atomic_set_release(&__kexec_lock, KEXEC_LOCK_YIELDS);
}

/**
 * kho_disallow_crash - undo kho_allow_crash()
 *
 * Does not return when a panic has taken the lock: the crash kernel is about to
 * be started then.
 */
void kho_disallow_crash(void)
{
	int old = KEXEC_LOCK_YIELDS;

	if (!atomic_try_cmpxchg_acquire(&__kexec_lock, &old, 1))
		panic_smp_self_stop();
}

/**
 * kho_crash_trylock - take the kexec lock over for the crash kernel
 *
 * Context: any, also NMI; on the one processor that panics.
 * Return: true when the lock was held by somebody who allows it, and is the
 * caller's now; false also when there is no crash kernel to be started.
 */
bool kho_crash_trylock(void)
{
	int old = KEXEC_LOCK_YIELDS;

	return kexec_crash_image &&
	       atomic_try_cmpxchg_acquire(&__kexec_lock, &old, 1);
}

#ifdef CONFIG_EFI
/**
 * kho_efi_kexec_boot - was this kernel started by a kexec from another?
 *
 * The firmware's tables of an initrd and of runtime properties are those of the
 * first boot. They were in memory that is something else now, so the kernel must
 * not look there.
 *
 * Context: early boot, on a machine with EFI, once the setup_data or the
 * devicetree were read.
 * Return: whether it was.
 */
bool __init kho_efi_kexec_boot(void)
{
#ifdef CONFIG_X86
	return efi_setup;
#else
	int chosen;

	chosen = of_get_flat_dt_subnode_by_name(of_get_flat_dt_root(), "chosen");
	return chosen >= 0 &&
	       of_get_flat_dt_prop(chosen, "linux,booted-from-kexec", NULL);
#endif
}
#endif
