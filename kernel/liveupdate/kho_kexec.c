// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): what the kexec core calls to load and start an image.
 *
 * The segments of an image are placed in kho_image.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/efi.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/of.h>
#include <linux/of_fdt.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <trace/events/kho.h>

#include <asm/efi.h>

#include "../kexec_internal.h"
#include "kho_internal.h"

/*
 * A value of the kexec lock. 0 is free and 1 is held; with this one it is held,
 * and a panic may take it: the holder does not change the crash kernel's image.
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
 * A panic does not start the crash kernel unless it gets the lock. To be called
 * by a holder who waits for long.
 *
 * Context: process context, kexec lock held. The caller does not change the
 * crash kernel's image until kho_disallow_crash().
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
 * Return: true when the holder of the lock allows it, and the lock is the
 * caller's now; false also when there is no crash kernel to be started.
 */
bool kho_crash_trylock(void)
{
	int old = KEXEC_LOCK_YIELDS;

	return kexec_crash_image &&
	       atomic_try_cmpxchg_acquire(&__kexec_lock, &old, 1);
}

/**
 * kho_image - does this kexec image hand over?
 * @image: a kexec image
 *
 * Return: whether it does.
 */
bool kho_image(const struct kimage *image)
{
	return image->kho.fdt;
}

/**
 * kho_warn_of_kaslr - say if the next kernel may put itself on poisoned memory
 * @image: a kexec image of a kernel that decompresses itself
 *
 * On x86 such a kernel chooses its place in scratch memory before it can read which
 * pages are poisoned. One that is unpacked here is put where there are none.
 */
void kho_warn_of_kaslr(const struct kimage *image)
{
	const struct kho_scratch *areas;
	unsigned long pfn, end;
	unsigned int i, nr;

	if (image->cmdline_buf && strstr(image->cmdline_buf, "nokaslr"))
		return;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++) {
		pfn = PHYS_PFN(areas[i].addr);
		end = pfn + PHYS_PFN(areas[i].size);
		pfn = kho_poison_next(pfn, end);
		if (pfn == end)
			continue;
		pr_warn("the page at %#llx in scratch memory is poisoned, and KASLR may put the next kernel there; boot that with nokaslr\n",
			(u64)PFN_PHYS(pfn));
		return;
	}
}

/*
 * The array of scratch areas is a segment of the image. On x86 it is a part of
 * the setup_data instead: some kernels would decompress themselves over a
 * segment, but none does over the setup_data.
 */
static int add_scratch_segment(struct kimage *image)
{
	unsigned int nr;
	const struct kho_scratch *areas = kho_scratch_areas(&nr);
	struct kexec_buf kbuf = {
		.image = image,
		.buffer = (void *)areas,
		.bufsz = array_size(nr, sizeof(*areas)),
		.mem = KEXEC_BUF_MEM_UNKNOWN,
		.memsz = array_size(nr, sizeof(*areas)),
		.buf_align = SZ_64K,
		.buf_max = ULONG_MAX,
		.top_down = true,
	};

	if (IS_ENABLED(CONFIG_X86))
		return 0;

	image->kho.scratch_id = image->nr_segments;

	return kexec_add_buffer(&kbuf);
}

/**
 * kho_prepare_image - let a kexec image hand over, if it can
 * @image: image that kexec_file_load() is preparing, without segments yet
 *
 * Context: kexec lock held.
 * Return: 0, or an errno with which the load fails.
 */
int kho_prepare_image(struct kimage *image)
{
	unsigned int nr;
	int err;

	if (!kho_is_enabled() || image->type == KEXEC_TYPE_CRASH)
		return 0;

	image->kho.fdt = kho_root_fdt();
	err = add_scratch_segment(image);
	kho_scratch_areas(&nr);
	trace_kho_prepare_image(image->kho.fdt, nr, err);
	if (err)
		image->kho.fdt = 0;

	return err;
}

/**
 * kho_describe - what an image has to tell the next kernel of the handover
 * @image:        image for which kho_image() is true, with the array of scratch
 *                areas as a segment
 * @fdt_phys:     set to the physical address of the root FDT
 * @fdt_len:      set to its length
 * @scratch_phys: set to the physical address of the array of scratch areas
 * @scratch_len:  set to its length in bytes
 */
void kho_describe(const struct kimage *image, u64 *fdt_phys, u64 *fdt_len,
		  u64 *scratch_phys, u64 *scratch_len)
{
	const struct kexec_segment *scratch;

	scratch = &image->segment[image->kho.scratch_id];
	*fdt_phys = image->kho.fdt;
	*fdt_len = KHO_FDT_SIZE;
	*scratch_phys = scratch->mem;
	*scratch_len = scratch->bufsz;
}

/**
 * kho_before_jump - the last that is written of what is handed over
 * @image: the image that is about to be started
 *
 * Context: devices are shut down and all other processors are stopped.
 */
void kho_before_jump(const struct kimage *image)
{
	if (!kho_image(image))
		return;

	kho_timeline_mark(KHO_JUMP);
	kho_corrupt();
}

/**
 * kho_warn_legacy_load - say what an image from kexec_load() cannot do
 */
void kho_warn_legacy_load(void)
{
	if (kho_is_enabled())
		pr_warn("an image loaded by kexec_load() hands nothing over; use kexec_file_load() (kexec -s) for that\n");
}

#ifdef CONFIG_EFI
/**
 * kho_efi_kexec_boot - was this kernel started by a kexec from another?
 *
 * The firmware's tables of an initrd and of runtime properties are those of the
 * first boot. Their memory was reused since, so the kernel must not read them.
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
