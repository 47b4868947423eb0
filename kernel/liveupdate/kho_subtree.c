// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): names blobs in the root FDT for the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <trace/events/kho.h>

#include <linux/kho/abi/kexec_handover.h>

#include "kho_internal.h"

/* The root FDT, one page. */
static void *root_fdt;

/* Who is told of subtrees, NULL if nobody is. */
static const struct kho_subtrees_watcher *watcher;

/* Protects the contents of @root_fdt, and @watcher. */
static DEFINE_MUTEX(root_lock);

/**
 * kho_root_fdt - where the root FDT for the next kernel is
 *
 * Context: any, when KHO is enabled, after the core_initcalls.
 * Return: its physical address.
 */
phys_addr_t kho_root_fdt(void)
{
	return virt_to_phys(root_fdt);
}

/* FDT_ERR_* of building our FDT as an errno: only room can run out. */
static int fdt_errno(int err)
{
	switch (err) {
	case -FDT_ERR_NOSPACE:
		return -ENOMEM;
	case -FDT_ERR_EXISTS:
		return -EEXIST;
	default:
		return err < 0 ? -EINVAL : 0;
	}
}

static int set_u64(void *fdt, int node, const char *prop, u64 value)
{
	return fdt_setprop(fdt, node, prop, &value, sizeof(value));
}

/*
 * Name a blob in the root FDT, or leave that as it is.
 *
 * Interrupts are off whenever the root FDT is written. A kexec stops the other
 * processors by interrupts, and runs on its own processor without a switch to
 * another task. So the next kernel never sees half of a change, and a kexec
 * need not wait for a lock.
 */
static int write_subtree(const char *name, phys_addr_t phys, size_t size)
{
	int node, err;

	node = fdt_add_subnode(root_fdt, 0, name);
	if (node < 0)
		return fdt_errno(node);

	err = set_u64(root_fdt, node, KHO_SUB_TREE_PROP_NAME, phys);
	if (!err)
		err = set_u64(root_fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME,
			      size);
	if (err)
		fdt_del_node(root_fdt, node);
	kho_fdt_write_sum(root_fdt);

	return fdt_errno(err);
}

/**
 * kho_add_subtree - name a blob in the root FDT
 * @name: of the subtree; a subtree of the previous kernel may have the same
 * @blob: preserved memory from kho_alloc_preserve()
 * @size: bytes in it that matter
 *
 * Context: process context, may sleep.
 * Return: 0, -EEXIST for a name in use, -ENOMEM when the root FDT is full,
 * -EINVAL for an empty @name or @size, -EOPNOTSUPP when KHO is off.
 */
int kho_add_subtree(const char *name, void *blob, size_t size)
{
	int err;

	if (!kho_is_enabled())
		return -EOPNOTSUPP;
	if (!*name || !size)
		return -EINVAL;

	guard(mutex)(&root_lock);

	scoped_guard(irqsave)
		err = write_subtree(name, virt_to_phys(blob), size);
	trace_kho_add_subtree(name, virt_to_phys(blob), size, err);
	if (!err && watcher)
		watcher->added(name, blob, size);

	return err;
}
EXPORT_SYMBOL_GPL(kho_add_subtree);

/**
 * kho_remove_subtree - undo kho_add_subtree()
 * @blob: the blob, which stays preserved
 *
 * Context: process context, may sleep.
 */
void kho_remove_subtree(void *blob)
{
	int node;

	if (!kho_is_enabled())
		return;

	guard(mutex)(&root_lock);

	node = kho_fdt_find_blob(root_fdt, virt_to_phys(blob));
	if (WARN_ON(node < 0))
		return;

	trace_kho_remove_subtree(fdt_get_name(root_fdt, node, NULL),
				 virt_to_phys(blob), 0, 0);
	if (watcher)
		watcher->removed(blob);
	scoped_guard(irqsave) {
		fdt_del_node(root_fdt, node);
		kho_fdt_write_sum(root_fdt);
	}
}
EXPORT_SYMBOL_GPL(kho_remove_subtree);

/**
 * kho_watch_subtrees - be told of the subtrees of the root FDT
 * @w: called at once for each subtree that is there, then for each that comes or
 *     goes. There is one watcher
 *
 * Calls come one at a time, with the lock of the root FDT held: @w must not
 * add or remove subtrees. A blob is not freed before the call that tells of its
 * removal has returned.
 *
 * Context: an initcall after core_initcall, KHO enabled.
 */
void __init kho_watch_subtrees(const struct kho_subtrees_watcher *w)
{
	u64 phys, size;
	int node;

	guard(mutex)(&root_lock);

	fdt_for_each_subnode(node, root_fdt, 0) {
		if (kho_fdt_get_u64(root_fdt, node, KHO_SUB_TREE_PROP_NAME,
				    &phys) ||
		    kho_fdt_get_u64(root_fdt, node,
				    KHO_SUB_TREE_SIZE_PROP_NAME, &size))
			continue;
		w->added(fdt_get_name(root_fdt, node, NULL), phys_to_virt(phys),
			 size);
	}
	watcher = w;
}

static int __init make_root_fdt(phys_addr_t tree)
{
	void *fdt;
	int err;

	fdt = kho_alloc_preserve(KHO_FDT_SIZE);
	if (IS_ERR(fdt))
		return PTR_ERR(fdt);

	err = fdt_create_empty_tree(fdt, KHO_FDT_SIZE);
	if (!err)
		err = fdt_setprop_string(fdt, 0, "compatible",
					 KHO_FDT_COMPATIBLE);
	/* The last one is the first in the FDT. */
	if (!err)
		err = set_u64(fdt, 0, KHO_FDT_SUM_PROP_NAME, 0);
	if (!err)
		err = set_u64(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME, tree);
	if (err) {
		kho_unpreserve_free(fdt);
		return fdt_errno(err);
	}

	kho_fdt_write_sum(fdt);
	root_fdt = fdt;

	return 0;
}

/**
 * kho_give_up - disable KHO, since nothing can be handed over
 * @err: why
 *
 * Context: a core_initcall; nothing but the root FDT is preserved.
 */
void __init kho_give_up(int err)
{
	pr_err("disabled, cannot set up what is handed over: %d\n", err);
	kho_disable(NULL);

	kho_unpreserve_free(root_fdt);
	root_fdt = NULL;
	kho_preserve_exit();
}

static int __init kho_init(void)
{
	phys_addr_t tree;
	int err;

	if (!kho_is_enabled())
		return 0;

	kho_scratch_init();

	err = kho_preserve_init(&tree);
	if (!err)
		err = make_root_fdt(tree);
	if (err)
		kho_give_up(err);

	return 0;
}
core_initcall(kho_init);
