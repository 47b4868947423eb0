// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): finds the structures that are handed over, for tests.
 *
 * They are found as the next kernel would find them: from the root FDT on, by
 * the wire format alone. So those of LUO and of memfds are known here, too.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>

#include <linux/kho/abi/block.h>
#include <linux/kho/abi/hugetlb.h>
#include <linux/kho/abi/intel_iommu.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>
#include <linux/kho/abi/pci.h>
#include <linux/kho/abi/pipe.h>
#include <linux/kho/abi/tmpfs.h>
#include <linux/kho/abi/vfio_pci.h>

#include "kho_internal.h"
#include "kho_structures.h"

static void walk_vmalloc(const struct kho_walk *walk,
			 struct kho_vmalloc *vmalloc)
{
	struct kho_vmalloc_chunk *chunk;
	u64 phys;
	size_t i;

	walk->found(walk, VMALLOC, vmalloc, sizeof(*vmalloc));
	for (phys = vmalloc->first.phys; phys; phys = chunk->next.phys) {
		chunk = phys_to_virt(phys);
		for (i = 0; i < KHO_VMALLOC_CHUNK_SLOTS - 1 && chunk->phys[i];)
			i++;
		/* The zero that ends the list is a part of it. */
		walk->found(walk, VMALLOC_CHUNK, chunk,
		      offsetof(struct kho_vmalloc_chunk, phys[i + 1]));
	}
}

/* An array lies in the pages that the chunks name; no page ends in a record. */
static void walk_array(const struct kho_walk *walk,
		       enum kho_structure structure, size_t size,
		       const struct kho_vmalloc *vmalloc, u64 nr)
{
	const size_t per_run = (PAGE_SIZE << vmalloc->order) / size;
	struct kho_vmalloc_chunk *chunk = phys_to_virt(vmalloc->first.phys);
	void *records;
	u64 done, i;
	size_t slot = 0;

	for (done = 0; done < nr; done += per_run, slot++) {
		if (slot == KHO_VMALLOC_CHUNK_SLOTS) {
			chunk = phys_to_virt(chunk->next.phys);
			slot = 0;
		}
		records = phys_to_virt(chunk->phys[slot]);
		for (i = 0; i < min_t(u64, per_run, nr - done); i++)
			walk->found(walk, structure, records + i * size, size);
	}
}

static void walk_folios(const struct kho_walk *walk,
			struct kho_vmalloc *vmalloc, u64 nr)
{
	walk_vmalloc(walk, vmalloc);
	walk_array(walk, FOLIO, sizeof(struct memfd_luo_folio_ser), vmalloc, nr);
}

static void walk_memfd(const struct kho_walk *walk, struct memfd_luo_ser *memfd)
{
	walk->found(walk, MEMFD, memfd, offsetof(struct memfd_luo_ser, folios));
	if (!memfd->nr_folios)
		return;
	walk_folios(walk, &memfd->folios, memfd->nr_folios);
}

static void walk_hugetlb(const struct kho_walk *walk, struct hugetlb_luo_ser *ser)
{
	walk->found(walk, HUGETLB, ser, sizeof(*ser));
	if (!ser->folios.total_pages)
		return;
	walk_folios(walk, &ser->folios, ser->nr_folios);
}

/* Names and attributes are walked unit by unit. */
static void walk_tmpfs(const struct kho_walk *walk, struct tmpfs_luo_ser *ser)
{
	static const struct {
		enum kho_structure structure;
		size_t size;
	} kinds[TMPFS_LUO_NR_ARRAYS] = {
		[TMPFS_LUO_INODES] = { TMPFS_INODE,
				       sizeof(struct tmpfs_luo_inode_ser) },
		[TMPFS_LUO_NAMES] = { TMPFS_NAME, TMPFS_LUO_UNIT },
		[TMPFS_LUO_ATTRS] = { TMPFS_ATTR, TMPFS_LUO_UNIT },
		[TMPFS_LUO_FOLIOS] = { FOLIO, TMPFS_LUO_UNIT },
	};
	struct tmpfs_luo_array_ser *array;
	unsigned int i;

	walk->found(walk, TMPFS, ser, sizeof(*ser));
	for (i = 0; i < TMPFS_LUO_NR_ARRAYS; i++) {
		array = &ser->arrays[i];
		if (!array->nr)
			continue;
		walk_vmalloc(walk, &array->units);
		walk_array(walk, kinds[i].structure, kinds[i].size,
			   &array->units,
			   array->nr / (kinds[i].size / TMPFS_LUO_UNIT));
	}
}

/* Records of data have the size of those of folios. */
static void walk_pipe(const struct kho_walk *walk, struct pipe_luo_ser *ser)
{
	walk->found(walk, PIPE, ser, sizeof(*ser));
	if (!ser->nr_data)
		return;
	walk_vmalloc(walk, &ser->data);
	walk_folios(walk, &ser->data, ser->nr_data);
}

static void walk_files(struct kho_walk *walk, u64 phys)
{
	struct kho_block_header_ser *block;
	struct luo_file_ser *file;
	u64 i;

	walk->file = -1;
	for (; phys; phys = block->next) {
		block = phys_to_virt(phys);
		file = (struct luo_file_ser *)(block + 1);
		walk->found(walk, FILE_BLOCK, block, sizeof(*block));
		walk->found(walk, FILE_OWNER, kho_block_owner(block),
		      sizeof(struct kho_block_owner_ser));
		for (i = 0; i < block->count; i++, file++) {
			walk->file++;
			walk->found(walk, FILE_RECORD, file, sizeof(*file));
			if (!strcmp(file->compatible, MEMFD_LUO_FH_COMPATIBLE))
				walk_memfd(walk, phys_to_virt(file->data));
			else if (!strcmp(file->compatible,
					 HUGETLB_LUO_FH_COMPATIBLE))
				walk_hugetlb(walk, phys_to_virt(file->data));
			else if (!strcmp(file->compatible,
					 TMPFS_LUO_FH_COMPATIBLE))
				walk_tmpfs(walk, phys_to_virt(file->data));
			else if (!strcmp(file->compatible,
					 PIPE_LUO_FH_COMPATIBLE))
				walk_pipe(walk, phys_to_virt(file->data));
			else if (!strcmp(file->compatible,
					 VFIO_PCI_LUO_FH_COMPATIBLE))
				walk->found(walk, VFIO_PCI, &file->data,
					    sizeof(file->data));
		}
	}
}

static void walk_sessions(const struct kho_walk *nobodys, u64 phys)
{
	struct kho_walk walk = { .found = nobodys->found };
	struct kho_block_header_ser *block;
	struct luo_session_ser *session;
	u64 i;

	for (; phys; phys = block->next) {
		block = phys_to_virt(phys);
		session = (struct luo_session_ser *)(block + 1);
		walk.found(nobodys, SESSION_BLOCK, block, sizeof(*block));
		for (i = 0; i < block->count; i++, session++) {
			walk.session = session->name;
			walk.file = -1;
			walk.found(&walk, SESSION, session, sizeof(*session));
			walk_files(&walk, session->files);
		}
	}
}

/* All entries, used or not, and what stands behind them. */
static void walk_pci(const struct kho_walk *walk, struct pci_ser *ser)
{
	u32 nr = ser->max_nr_devices;

	walk->found(walk, PCI_DEVICES, ser,
		    offsetof(struct pci_ser, devices[nr]) +
		    offsetof(struct pci_sizes_ser, bars[nr]));
}

/*
 * Tables above those of pages, and the top one of these. An entry of the root table
 * has a half for each 128 functions in scalable mode.
 */
static void walk_iommu_tables(const struct kho_walk *walk,
			      const struct intel_iommu_dev_ser *dev)
{
	u64 *root = phys_to_virt(dev->root), *dir;
	unsigned int half = dev->scalable && dev->bdf & 0x80;

	walk->found(walk, IOMMU_CONTEXT,
		    phys_to_virt(root[(dev->bdf >> 8) * 2 + half] & PAGE_MASK),
		    PAGE_SIZE);
	dir = phys_to_virt(dev->context_lo & PAGE_MASK);
	walk->found(walk, IOMMU_TABLE, dir, PAGE_SIZE);
	if (dev->scalable)
		walk->found(walk, IOMMU_TABLE, phys_to_virt(*dir & PAGE_MASK),
			    PAGE_SIZE);
}

static void walk_iommu(const struct kho_walk *walk, struct intel_iommu_ser *ser)
{
	struct intel_iommu_dev_ser *dev = ser->devices;

	walk->found(walk, IOMMU, ser,
		    offsetof(struct intel_iommu_ser, devices[ser->nr_devices]));
	for (; dev < ser->devices + ser->nr_devices; dev++) {
		walk->found(walk, IOMMU_ROOT, phys_to_virt(dev->root), PAGE_SIZE);
		walk_iommu_tables(walk, dev);
	}
}

static void walk_flbs(const struct kho_walk *walk, u64 phys)
{
	struct luo_flb_header_ser *header;
	struct luo_flb_ser *flb;
	u64 i;

	if (!phys)
		return;
	header = phys_to_virt(phys);
	flb = (struct luo_flb_ser *)(header + 1);
	walk->found(walk, FLB, header, sizeof(*header));
	walk->found(walk, FLB_SUM,
		    (void *)header + PAGE_SIZE - sizeof(struct luo_flb_sum_ser),
		    sizeof(struct luo_flb_sum_ser));
	for (i = 0; i < header->count; i++, flb++) {
		walk->found(walk, FLB, flb, sizeof(*flb));
		if (!strcmp(flb->name, PCI_LUO_FLB_COMPATIBLE))
			walk_pci(walk, phys_to_virt(flb->data));
		if (!strcmp(flb->name, INTEL_IOMMU_LUO_FLB_COMPATIBLE))
			walk_iommu(walk, phys_to_virt(flb->data));
	}
}

static void walk_luo(const struct kho_walk *walk, struct luo_ser *luo)
{
	walk->found(walk, LUO, luo, sizeof(*luo));
	walk_flbs(walk, luo->flbs_pa);
	walk_sessions(walk, luo->sessions_pa);
}

/* Calls itself, KHO_TREE_DEPTH deep at most. */
static void walk_tree(const struct kho_walk *walk, u64 phys, unsigned int level)
{
	struct kho_radix_node *node = phys_to_virt(phys);
	unsigned long i;

	walk->found(walk, level ? TREE_NODE : TREE_LEAF, node, sizeof(*node));
	for (i = 0; level && i < KHO_TREE_TABLE_SLOTS; i++)
		if (node->table[i])
			walk_tree(walk, node->table[i], level - 1);
}

static void walk_pool(const struct kho_walk *walk,
		      struct hugetlb_luo_pool_ser *ser)
{
	walk->found(walk, HUGETLB_POOL, ser,
		    offsetof(struct hugetlb_luo_pool_ser, counts[ser->nr]));
}

static u64 fdt_u64(const void *fdt, int node, const char *name)
{
	u64 value;

	return kho_fdt_get_u64(fdt, node, name, &value) ? 0 : value;
}

static void walk_subtree(const struct kho_walk *walk, const char *name,
			 void *blob, size_t size)
{
	if (!strcmp(name, LUO_KHO_ENTRY_NAME))
		walk_luo(walk, blob);
	else if (!strcmp(name, KHO_METADATA_NODE_NAME))
		walk->found(walk, METADATA, blob, size);
	else if (!strcmp(name, "memblock"))
		walk->found(walk, MEMBLOCK, blob, size);
	else if (!strcmp(name, HUGETLB_LUO_POOL_NAME))
		walk_pool(walk, blob);
}

/**
 * kho_walk_structures - find all structures that are handed over
 * @found: called for each
 *
 * Context: right before the jump, when all is written out.
 */
void kho_walk_structures(kho_found_t *found)
{
	const struct kho_walk walk = {
		.found = found,
		.session = "",
		.file = -1,
	};
	void *fdt = phys_to_virt(kho_root_fdt());
	int node;

	found(&walk, ROOT_FDT, fdt,
	      fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt));
	walk_tree(&walk, fdt_u64(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME),
		  KHO_TREE_DEPTH - 1);
	fdt_for_each_subnode(node, fdt, 0)
		walk_subtree(&walk, fdt_get_name(fdt, node, NULL),
			     phys_to_virt(fdt_u64(fdt, node,
						  KHO_SUB_TREE_PROP_NAME)),
			     fdt_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME));
}
