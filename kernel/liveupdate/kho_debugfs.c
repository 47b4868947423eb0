// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): /sys/kernel/debug/kho.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "KHO: " fmt

#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
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

/* Protects what follows. */
static DEFINE_MUTEX(kho_debugfs_lock);
static LIST_HEAD(blob_files);
static struct dentry *out_subtrees;

static const struct kho_scratch *kho_debugfs_scratch;
static unsigned int kho_debugfs_nr_scratch;

static int scratch_phys_show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < kho_debugfs_nr_scratch; i++)
		seq_printf(m, "0x%llx\n", (u64)kho_debugfs_scratch[i].addr);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(scratch_phys);

static int scratch_len_show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < kho_debugfs_nr_scratch; i++)
		seq_printf(m, "0x%llx\n", (u64)kho_debugfs_scratch[i].size);
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

/* A file that is missing for lack of memory harms nobody. */
static void add_blob(struct dentry *dir, const char *name, const void *blob,
		     size_t size)
{
	struct blob_file *file;

	lockdep_assert_held(&kho_debugfs_lock);

	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return;

	file->blob.data = (void *)blob;
	file->blob.size = size;
	file->dentry = debugfs_create_blob(name, 0400, dir, &file->blob);
	list_add(&file->list, &blob_files);
}

/* Subtrees that were added before there was a debugfs. */
static void add_early_subtrees(const void *fdt)
{
	u64 phys, size;
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		if (!kho_fdt_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME, &phys) &&
		    !kho_fdt_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME,
				     &size))
			add_blob(out_subtrees, fdt_get_name(fdt, node, NULL),
				 phys_to_virt(phys), size);
	}
}

/*
 * What came in is shown as a copy: its owner frees it when it has read it. The
 * FDT is another kernel's, so nothing is read that was not preserved.
 */
static void add_incoming_subtrees(struct dentry *dir, const void *fdt)
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

/**
 * kho_debugfs_init - make the directory, with all that there is to see by now
 * @out_fdt:    root FDT for the next kernel
 * @in_fdt:     root FDT from the previous kernel, NULL for none
 * @scratch:    the scratch areas
 * @nr_scratch: how many
 *
 * The arguments must stay where they are. To be called before anyone frees an
 * incoming subtree's blob.
 */
void __init kho_debugfs_init(void *out_fdt, const void *in_fdt,
			     const struct kho_scratch *scratch,
			     unsigned int nr_scratch)
{
	struct dentry *root = debugfs_create_dir("kho", NULL);
	struct dentry *out = debugfs_create_dir("out", root);
	struct dentry *in;

	kho_debugfs_scratch = scratch;
	kho_debugfs_nr_scratch = nr_scratch;
	debugfs_create_file("scratch_phys", 0400, out, NULL,
			    &scratch_phys_fops);
	debugfs_create_file("scratch_len", 0400, out, NULL, &scratch_len_fops);
	/* The same by the names that Linux 7.4 gives them. */
	debugfs_create_file("bootmem_phys", 0400, out, NULL,
			    &scratch_phys_fops);
	debugfs_create_file("bootmem_len", 0400, out, NULL, &scratch_len_fops);
	kho_corrupt_init(out);

	mutex_lock(&kho_debugfs_lock);
	add_blob(out, "fdt", out_fdt, KHO_FDT_SIZE);
	out_subtrees = debugfs_create_dir("sub_fdts", out);
	add_early_subtrees(out_fdt);

	if (in_fdt) {
		in = debugfs_create_dir("in", root);
		add_blob(in, "fdt", in_fdt, KHO_FDT_SIZE);
		add_incoming_subtrees(debugfs_create_dir("sub_fdts", in),
				      in_fdt);
	}
	mutex_unlock(&kho_debugfs_lock);
}

/**
 * kho_debugfs_add_subtree - show a subtree that was added to the root FDT
 * @name: its name
 * @blob: its contents
 * @size: their bytes
 */
void kho_debugfs_add_subtree(const char *name, const void *blob, size_t size)
{
	mutex_lock(&kho_debugfs_lock);
	/* Else kho_debugfs_init() finds it, or has found it. */
	if (out_subtrees && !file_of_blob(blob))
		add_blob(out_subtrees, name, blob, size);
	mutex_unlock(&kho_debugfs_lock);
}

/**
 * kho_debugfs_remove_subtree - stop showing a subtree
 * @blob: its contents, not to be freed before
 */
void kho_debugfs_remove_subtree(const void *blob)
{
	struct blob_file *file;

	mutex_lock(&kho_debugfs_lock);
	file = file_of_blob(blob);
	if (file) {
		debugfs_remove(file->dentry);
		list_del(&file->list);
		kfree(file);
	}
	mutex_unlock(&kho_debugfs_lock);
}
