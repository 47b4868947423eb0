/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of kexec handover (KHO): what one kernel hands to the next.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_KEXEC_HANDOVER_H
#define _LINUX_KHO_ABI_KEXEC_HANDOVER_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include <asm/page.h>

/**
 * DOC: Root of the handover
 *
 * One preserved page holds a flattened device tree, the root FDT::
 *
 *   / {
 *           compatible = "kho-v4";
 *           preserved-memory-map = <u64>;
 *           sum-lts = <u64>;
 *           NAME {
 *                   preserved-data = <u64>;
 *                   blob-size = <u64>;
 *           };
 *   };
 *
 * Numbers are raw native-endian u64 property values, not FDT cells. The first
 * is the physical address of the root of the preserved-memory tree; those of a
 * subtree NAME say where its preserved blob lies and how many bytes it has.
 * Subtrees of unknown name are ignored. A root of another compatible string is
 * not used at all. The checksum, CRC-32 of all of the FDT but its own value, is not
 * known to other kernels: they ignore it, and write none. If it is wrong, a subtree
 * that is missed may have lost its name.
 */
#define KHO_FDT_COMPATIBLE		"kho-v4"
#define KHO_FDT_MEMORY_MAP_PROP_NAME	"preserved-memory-map"
#define KHO_FDT_SUM_PROP_NAME		"sum-lts"
#define KHO_SUB_TREE_PROP_NAME		"preserved-data"
#define KHO_SUB_TREE_SIZE_PROP_NAME	"blob-size"

/* The root FDT is this many bytes long. */
#define KHO_FDT_SIZE			PAGE_SIZE

/**
 * struct kho_scratch - one area of scratch memory
 * @addr: physical address, aligned to the buddy's largest block
 * @size: bytes, aligned likewise; 0 for no area
 */
struct kho_scratch {
	phys_addr_t addr;
	phys_addr_t size;
};

static_assert(sizeof(struct kho_scratch) == 16);
static_assert(offsetof(struct kho_scratch, size) == 8);

/**
 * DOC: Pointers that are handed over
 *
 * In a structure that is handed over, DECLARE_KHOSER_PTR(name, type) is a member
 * that holds a pointer of that type, &struct foo \* say, as the physical address
 * of what it points to. KHOSER_STORE_PTR(member, pointer) puts a pointer to
 * memory of the direct mapping there, and KHOSER_LOAD_PTR(member) is the pointer
 * in the kernel that evaluates it. NULL is 0. Nothing is checked: whether memory
 * of the previous kernel is there tells kho_is_preserved(), for the member's
 * phys.
 */
#define DECLARE_KHOSER_PTR(name, type)					\
	union {								\
		u64 phys;						\
		type ptr;						\
	} name

#define KHOSER_STORE_PTR(dest, val)					\
	({								\
		typeof((dest).ptr) __khoser_ptr = (val);		\
									\
		(dest).phys = __khoser_ptr ? virt_to_phys(__khoser_ptr) : 0; \
	})

#define KHOSER_LOAD_PTR(src)						\
	({								\
		u64 __khoser_phys = (src).phys;				\
									\
		(typeof((src).ptr))(__khoser_phys ?			\
				    phys_to_virt(__khoser_phys) : NULL); \
	})

/**
 * DOC: Preserved-memory tree
 *
 * A radix tree over keys of one unsigned long, each of which stands for a
 * naturally aligned block of 2^order pages at physical address pa::
 *
 *   key = (1 << (64 - PAGE_SHIFT - order)) | (pa >> (PAGE_SHIFT + order))
 *
 * so that the order is told by the highest set bit. Each node is one page.
 * Nodes of level 0 are bitmaps, those above are tables of physical addresses
 * of the nodes a level below, 0 for none. The root is a table. The nodes
 * themselves are not in the tree: who reads it must not overwrite them before.
 */

/* The page order 0, at address 0, has the highest bit of a key. */
#define KHO_ORDER_0_LOG2	(64 - PAGE_SHIFT)
#define KHO_TREE_KEY_WIDTH	(KHO_ORDER_0_LOG2 + 1)
#define KHO_TREE_TABLE_LOG2	(PAGE_SHIFT - 3)
#define KHO_TREE_BITMAP_LOG2	(PAGE_SHIFT + 3)
#define KHO_TREE_TABLE_SLOTS	BIT(KHO_TREE_TABLE_LOG2)
#define KHO_TREE_BITMAP_BITS	BIT(KHO_TREE_BITMAP_LOG2)
#define KHO_TREE_DEPTH							\
	(DIV_ROUND_UP(KHO_TREE_KEY_WIDTH - KHO_TREE_BITMAP_LOG2,	\
		      KHO_TREE_TABLE_LOG2) + 1)

/**
 * struct kho_radix_node - a node above level 0
 * @table: physical addresses of the nodes one level below, 0 for none
 */
struct kho_radix_node {
	u64 table[KHO_TREE_TABLE_SLOTS];
};

/**
 * struct kho_radix_leaf - a node of level 0
 * @bitmap: one bit for each key
 */
struct kho_radix_leaf {
	DECLARE_BITMAP(bitmap, KHO_TREE_BITMAP_BITS);
};

static_assert(sizeof(struct kho_radix_node) == PAGE_SIZE);
static_assert(sizeof(struct kho_radix_leaf) == PAGE_SIZE);

/**
 * DOC: Preserved vmalloc areas
 *
 * &struct kho_vmalloc describes an area by a chain of preserved pages, each a
 * &struct kho_vmalloc_chunk with the physical addresses of runs of 2^order
 * order-0 pages, zero-terminated when the chunk is not full. When the last chunk
 * is just full, one more may follow that has no address and no next one.
 */

/* Flags of struct kho_vmalloc. */
#define KHO_VMALLOC_ALLOC	0x0001	/* VM_ALLOC */
#define KHO_VMALLOC_HUGE_VMAP	0x0002	/* VM_ALLOW_HUGE_VMAP */

/* Addresses in one chunk. */
#define KHO_VMALLOC_CHUNK_SLOTS	(PAGE_SIZE / sizeof(u64) - 1)

struct kho_vmalloc_chunk;

/**
 * union kho_vmalloc_chunk_ref - where the next chunk lies
 * @phys: physical address, as it is handed over; 0 for none
 * @ptr:  the same chunk for code of the kernel that made it
 */
union kho_vmalloc_chunk_ref {
	u64 phys;
	struct kho_vmalloc_chunk *ptr;
};

/**
 * struct kho_vmalloc_chunk - a page of addresses
 * @next: the next chunk, 0 for none
 * @phys: physical addresses of runs of pages
 */
struct kho_vmalloc_chunk {
	union kho_vmalloc_chunk_ref next;
	u64 phys[KHO_VMALLOC_CHUNK_SLOTS];
};

static_assert(sizeof(struct kho_vmalloc_chunk) == PAGE_SIZE);
static_assert(offsetof(struct kho_vmalloc_chunk, phys) == 8);

/**
 * struct kho_vmalloc - a preserved vmalloc area
 * @first:       first chunk of addresses
 * @total_pages: order-0 pages in the area
 * @flags:       KHO_VMALLOC_*
 * @order:       log2 of the pages at each address
 */
struct kho_vmalloc {
	union kho_vmalloc_chunk_ref first;
	unsigned int total_pages;
	unsigned short flags;
	unsigned short order;
};

static_assert(sizeof(struct kho_vmalloc) == 16);
static_assert(offsetof(struct kho_vmalloc, total_pages) == 8);
static_assert(offsetof(struct kho_vmalloc, flags) == 12);
static_assert(offsetof(struct kho_vmalloc, order) == 14);

/* Subtree with facts on the kernel that handed over. */
#define KHO_METADATA_NODE_NAME	"kexec-metadata"
#define KHO_METADATA_VERSION	1
#define KHO_RELEASE_LENGTH	65	/* of struct new_utsname's strings */

/**
 * struct kho_kexec_metadata - blob of the subtree "kexec-metadata"
 * @version:          KHO_METADATA_VERSION
 * @previous_release: what uname -r said in the kernel that handed over
 * @kexec_count:      handovers since the last cold boot, this one included
 */
struct kho_kexec_metadata {
	u32 version;
	char previous_release[KHO_RELEASE_LENGTH];
	u32 kexec_count;
} __packed;

static_assert(sizeof(struct kho_kexec_metadata) == 73);
static_assert(offsetof(struct kho_kexec_metadata, previous_release) == 4);
static_assert(offsetof(struct kho_kexec_metadata, kexec_count) == 69);

#endif /* _LINUX_KHO_ABI_KEXEC_HANDOVER_H */
