// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): shows the handover in /sys/kernel/debug/kho.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "KHO: " fmt

#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <linux/kho/abi/kexec_handover.h>

#include "kho_internal.h"

/* A file that shows a blob, as long as it is in the list. */
struct blob_file {
	struct list_head list;
	struct debugfs_blob_wrapper blob;
	struct dentry *dentry;
};

/*
 * The list is written by one initcall, and then by subtree_changed(), of which
 * the lock of the root FDT lets one run at a time.
 */
static LIST_HEAD(blob_files);
static struct dentry *out_dir;
static struct dentry *out_subtrees;

static int scratch_phys_show(struct seq_file *m, void *v)
{
	const struct kho_scratch *areas;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++)
		seq_printf(m, "0x%llx\n", (u64)areas[i].addr);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(scratch_phys);

static int scratch_len_show(struct seq_file *m, void *v)
{
	const struct kho_scratch *areas;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++)
		seq_printf(m, "0x%llx\n", (u64)areas[i].size);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(scratch_len);

static struct blob_file *file_of_blob(const void *blob)
{
	struct blob_file *file;

	list_for_each_entry(file, &blob_files, list) {
		if (file->blob.data == blob)
			return file;
	}

	return NULL;
}

/* Nothing depends on a file: one that is missing for lack of memory does no harm. */
static void add_blob(struct dentry *dir, const char *name, void *blob,
		     size_t size)
{
	struct blob_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return;

	file->blob.data = blob;
	file->blob.size = size;
	file->dentry = debugfs_create_blob(name, 0400, dir, &file->blob);
	list_add(&file->list, &blob_files);
}

static void remove_blob(void *blob)
{
	struct blob_file *file = file_of_blob(blob);

	if (!file)
		return;

	debugfs_remove(file->dentry);
	list_del(&file->list);
	kfree(file);
}

/* A blob that has two names is shown once. */
static void subtree_added(const char *name, void *blob, size_t size)
{
	if (!file_of_blob(blob))
		add_blob(out_subtrees, name, blob, size);
}

static const struct kho_subtrees_watcher subtrees_watcher = {
	.added = subtree_added,
	.removed = remove_blob,
};

/*
 * What came in is shown as a copy: its owner frees it when it has read it. The
 * FDT is another kernel's, so nothing is read that was not preserved.
 */
static void __init add_incoming_subtrees(struct dentry *dir, const void *fdt)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		const char *name = fdt_get_name(fdt, node, NULL);
		phys_addr_t phys;
		size_t size;
		void *copy;

		if (!name || kho_retrieve_subtree(name, &phys, &size))
			continue;
		copy = kvmalloc(size, GFP_KERNEL | __GFP_NOWARN);
		if (!copy) {
			pr_warn("no memory to show subtree %s in debugfs\n",
				name);
			continue;
		}
		memcpy(copy, phys_to_virt(phys), size);
		add_blob(dir, name, copy, size);
	}
}

static void __init add_out(struct dentry *root)
{
	out_dir = debugfs_create_dir("out", root);
	debugfs_create_file("scratch_phys", 0400, out_dir, NULL,
			    &scratch_phys_fops);
	debugfs_create_file("scratch_len", 0400, out_dir, NULL,
			    &scratch_len_fops);
	/* The same by the names that Linux 7.4 gives them. */
	debugfs_create_file("bootmem_phys", 0400, out_dir, NULL,
			    &scratch_phys_fops);
	debugfs_create_file("bootmem_len", 0400, out_dir, NULL,
			    &scratch_len_fops);

	add_blob(out_dir, "fdt", phys_to_virt(kho_root_fdt()), KHO_FDT_SIZE);
	out_subtrees = debugfs_create_dir("sub_fdts", out_dir);
}

static void __init add_in(struct dentry *root)
{
	const void *fdt = kho_incoming_fdt();
	struct dentry *dir;

	if (!fdt)
		return;

	dir = debugfs_create_dir("in", root);
	add_blob(dir, "fdt", (void *)fdt, KHO_FDT_SIZE);
	add_incoming_subtrees(debugfs_create_dir("sub_fdts", dir), fdt);
}

/**
 * kho_debugfs_out - where what this kernel hands over is shown
 *
 * Context: from postcore_initcall on.
 * Return: the directory, NULL when KHO is off.
 */
struct dentry *kho_debugfs_out(void)
{
	return out_dir;
}

/* What came in is freed by its owners, from postcore_initcall on. */
static int __init kho_debugfs_init(void)
{
	struct dentry *root;

	if (!kho_is_enabled())
		return 0;

	root = debugfs_create_dir("kho", NULL);
	add_out(root);
	add_in(root);
	kho_watch_subtrees(&subtrees_watcher);

	return 0;
}
core_initcall_sync(kho_debugfs_init);
