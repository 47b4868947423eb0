// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the hooks of early boot, in the order in which they are
 * called.
 *
 * Who calls them, and what is valid from then on, is in a table in
 * Documentation/core-api/kho/internals.rst.
 *
 * When the handover is found unusable, the kernel says so and goes on as from a
 * cold boot.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kconfig.h>
#include <linux/kexec_handover.h>
#include <linux/kho_early.h>
#include <linux/memblock.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <trace/events/kho.h>

#include "kho_internal.h"

static void __init call_lost(void)
{
	const struct kho_early_client *client;

	for (client = __start_kho_early_clients;
	     client < __end_kho_early_clients; client++)
		if (client->lost)
			client->lost();
}

static void __init refuse(const char *fault)
{
	pr_warn("handover not usable, going on as from a cold boot: %s\n",
		fault);
	if (!is_kdump_kernel())
		call_lost();
}

/**
 * kho_populate - take a handover up
 * @fdt_phys:     physical address of the root FDT, 0 for no handover
 * @fdt_len:      its length in bytes
 * @scratch_phys: physical address of the array of scratch areas
 * @scratch_len:  its length in bytes
 *
 * From now on memblock allocates from scratch memory alone.
 *
 * Context: called by architecture code once, when memblock knows all RAM and
 * has not been asked for any, and early parameters are parsed.
 */
void __init kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
			 phys_addr_t scratch_phys, u64 scratch_len)
{
	const char *fault;

	if (!fdt_phys && !scratch_phys)
		return;

	kho_timeline_mark(KHO_TAKEOVER);
	if (is_kdump_kernel())
		return refuse("this is a crash kernel");
	if (!kho_is_enabled())
		return refuse("it is switched off, boot with kho=on to use it");
	if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT))
		return refuse("this kernel encrypts memory, boot with mem_encrypt=off to use it");

	fault = kho_take_fdt(fdt_phys, fdt_len, &kho_in.tree);
	if (!fault)
		fault = kho_take_scratch(scratch_phys, scratch_len, fdt_phys,
					 &kho_in.nr_scratch);
	if (fault)
		return refuse(fault);

	if (kho_takeover.damaged)
		pr_warn("the root FDT is damaged, what it does not name any more is lost\n");
	memblock_reserve(scratch_phys, scratch_len);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_ONLY);
	kho_in.scratch = scratch_phys;
	kho_in.fdt = fdt_phys;
	kho_poison_receive(fdt_phys);
}

/* Undo what kho_populate() and kho_memory_init_early() did. */
static void __init give_up(const char *fault)
{
	refuse(fault);
	kho_granules_unreserve();
	kho_tree_drop();
	kho_granules_free();
	kho_in.fdt = 0;
	kho_poison_drop();
	kho_scratch_set(NULL, 0);
	memblock_clear_kho_scratch(0, PHYS_ADDR_MAX);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_NONE);
}

/* Reserve all that is preserved. Returns NULL, or why that is not possible. */
static const char * __init reserve_preserved(void)
{
	const char *fault;

	if (!kho_granules_alloc())
		return "no scratch memory left to map what is preserved";

	/* Its writer preserved it like any other memory, but do not count on it. */
	kho_granules_mark(kho_in.fdt, KHO_FDT_SIZE);
	fault = kho_tree_take();
	if (fault)
		return fault;
	if (!kho_tree_list_nodes())
		return "no scratch memory left to note the nodes of the tree";

	if (memblock_reserve(kho_in.fdt, KHO_FDT_SIZE) ||
	    !kho_granules_reserve())
		return "no scratch memory left to reserve what is preserved";

	return NULL;
}

static void __init call_receive(void)
{
	const struct kho_early_client *client;

	for (client = __start_kho_early_clients;
	     client < __end_kho_early_clients; client++)
		if (client->receive)
			client->receive();
}

static void __init call_release(void)
{
	const struct kho_early_client *client;

	for (client = __start_kho_early_clients;
	     client < __end_kho_early_clients; client++)
		if (client->release)
			client->release();
}

/**
 * kho_memory_init_early - reserve all preserved memory
 *
 * From now on memblock allocates from anywhere, but from scratch memory last, to
 * leave that to the next kexec image.
 *
 * Context: early boot, when the kernel's direct mapping of RAM and its NUMA
 * nodes are set up, before the first large allocations: crash kernel, CMA,
 * memory map. Firmware's memory must be reserved by then.
 */
void __init kho_memory_init_early(void)
{
	const char *fault;

	if (!is_kho_boot())
		return;

	kho_scratch_set(phys_to_virt(kho_in.scratch), kho_in.nr_scratch);
	fault = reserve_preserved();
	if (fault)
		return give_up(fault);
	if (kho_takeover.damaged)
		call_lost();

	kho_granules_free();
	kho_poison_reserve();
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_LAST);
	call_receive();
}

/**
 * kho_copy_subtree_early - copy what the previous kernel said, at early boot
 * @name: of the subtree
 * @buf:  where to
 * @size: of the subtree's blob, in bytes
 *
 * The blob stays preserved, for kho_retrieve_subtree() later.
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: 0, -ENOENT when there is no such subtree or no handover, -EIO when there is
 * none but what came in is damaged, or -EINVAL when it is damaged, or of another size,
 * or its memory has failed.
 */
int __init kho_copy_subtree_early(const char *name, void *buf, size_t size)
{
	u64 phys, len;
	int err;

	err = kho_find_subtree(name, &phys, &len);
	if (err)
		return err;
	if (len != size || !kho_readable_early(phys, len))
		return -EINVAL;

	memcpy(buf, phys_to_virt(phys), size);

	return 0;
}

/**
 * kho_memory_init - choose scratch memory, unless there is some
 *
 * Context: early boot, while memblock is still alive, just before the buddy
 * allocator takes over.
 */
void __init kho_memory_init(void)
{
	if (is_kdump_kernel())
		kho_disable(NULL);

	/* The next kernel starts without, and would read what is written with. */
	if (kho_is_enabled() && cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT))
		kho_disable("memory is encrypted, disabled; boot with mem_encrypt=off");

	if (kho_is_enabled() && !is_kho_boot() && !kho_scratch_choose())
		kho_disable(NULL);
}

/**
 * kho_memory_reserve_scratch - reserve what is left of scratch memory
 *
 * Not before this, for where something is preserved in each granule there is no
 * other memory to allocate from. If memblock cannot reserve it, what is left of
 * scratch is memory as any other, and this kernel has none.
 *
 * Context: called by memblock_free_all() at its beginning.
 */
void __init kho_memory_reserve_scratch(void)
{
	if (!is_kho_boot())
		return;

	if (!kho_scratch_reserve()) {
		pr_err("no memory to note what is scratch memory, no image can be loaded\n");
		kho_scratch_set(NULL, 0);
	}
	memblock_clear_kho_scratch(0, PHYS_ADDR_MAX);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_NONE);
}

/**
 * kho_memory_release - give what is not preserved to the buddy allocator
 *
 * As long as there is enough memory without, that whose struct pages are not
 * initialised yet is left to kho_memory_release_late().
 *
 * Context: called by memblock_free_all() at its end.
 */
void __init kho_memory_release(void)
{
	if (!is_kho_boot())
		return;

	kho_sort_init_scratch();
	kho_scratch_mark_cma();
	kho_sort_early();
}

/**
 * kho_memory_ready - see to it that what is preserved can be restored
 *
 * For callers that cannot wait for kho_memory_release_late(), which does the same
 * faster.
 *
 * Context: boot, from early_initcall on; may sleep.
 */
void __ref kho_memory_ready(void)
{
	kho_sort_now();
	kho_poison_mark();
}

/**
 * kho_memory_release_late - give the rest of it to the buddy allocator
 *
 * Context: called by page_alloc_init_late(), when all processors run and memblock
 * is still there.
 */
void __init kho_memory_release_late(void)
{
	if (!is_kho_boot())
		return;

	kho_sort_late();
	/* The page allocator keeps a page that is marked when it is freed. */
	kho_poison_mark();
	call_release();
	kho_sort_nodes();
	kho_timeline_mark(KHO_MEMORY);
}

static u64 __init released_bytes(void)
{
	return PFN_PHYS((u64)atomic_long_read(&kho_takeover.released));
}

/*
 * When struct pages are all initialised. Where memblock stays, it is asked later
 * on what is reserved, for /proc/iomem, say.
 */
static int __init finish_takeover(void)
{
	if (!is_kho_boot())
		return 0;

	trace_kho_takeover(kho_in.fdt, kho_in.nr_scratch, kho_takeover.nodes,
			   kho_takeover.preserved, kho_takeover.reserved,
			   kho_granule_size(), released_bytes());
	if (IS_ENABLED(CONFIG_ARCH_KEEP_MEMBLOCK))
		kho_granules_unreserve();

	return 0;
}
core_initcall(finish_takeover);
