// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): tells the next kernel which kernel it was started by.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include <linux/kho/abi/kexec_handover.h>

#include "kho_internal.h"

/* How many handovers there were since the last cold boot. */
static u32 __init incoming_kexec_count(void)
{
	struct kho_kexec_metadata *metadata;
	phys_addr_t phys;
	size_t size;
	int err;

	if (!is_kho_boot())
		return 0;

	/* kho_retrieve_subtree() has a message for any other error. */
	err = kho_retrieve_subtree(KHO_METADATA_NODE_NAME, &phys, &size);
	if (err == -ENOENT)
		pr_warn("metadata of the previous kernel is absent, ignored\n");
	if (err)
		return 0;

	metadata = phys_to_virt(phys);
	if (size < sizeof(*metadata) ||
	    metadata->version != KHO_METADATA_VERSION ||
	    strnlen(metadata->previous_release, KHO_RELEASE_LENGTH) ==
	    KHO_RELEASE_LENGTH) {
		pr_warn("metadata of the previous kernel is of another version, ignored\n");
		return 0;
	}

	pr_info("exec from: %s (count %u)\n", metadata->previous_release,
		metadata->kexec_count);

	return metadata->kexec_count;
}

static int __init add_metadata(void)
{
	struct kho_kexec_metadata *metadata;
	int err;

	metadata = kho_alloc_preserve(sizeof(*metadata));
	if (IS_ERR(metadata))
		return PTR_ERR(metadata);

	metadata->version = KHO_METADATA_VERSION;
	metadata->kexec_count = incoming_kexec_count() + 1;
	strscpy_pad(metadata->previous_release, init_uts_ns.name.release,
		    sizeof(metadata->previous_release));

	err = kho_add_subtree(KHO_METADATA_NODE_NAME, metadata,
			      sizeof(*metadata));
	if (err)
		kho_unpreserve_free(metadata);

	return err;
}

/* The link order is that of core_initcalls: kho_subtree.c comes before. */
static int __init kho_metadata_init(void)
{
	int err;

	if (!kho_is_enabled())
		return 0;

	err = add_metadata();
	if (err)
		kho_give_up(err);

	return 0;
}
core_initcall(kho_metadata_init);
