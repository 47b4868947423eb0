/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): trace events.
 *
 * Copyright The Linux Live Update LTS authors
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kho

#if !defined(_TRACE_KHO_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KHO_H

#include <linux/tracepoint.h>
#include <linux/types.h>

/* Memory that is preserved, or restored. A failed restore has 0 pages. */
DECLARE_EVENT_CLASS(kho_memory,

	TP_PROTO(phys_addr_t phys, unsigned long nr_pages, int err),

	TP_ARGS(phys, nr_pages, err),

	TP_STRUCT__entry(
		__field(u64, phys)
		__field(unsigned long, nr_pages)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->phys = phys;
		__entry->nr_pages = nr_pages;
		__entry->err = err;
	),

	TP_printk("phys=0x%llx nr_pages=%lu err=%d",
		  __entry->phys, __entry->nr_pages, __entry->err)
);

DEFINE_EVENT(kho_memory, kho_preserve_folio,
	     TP_PROTO(phys_addr_t phys, unsigned long nr_pages, int err),
	     TP_ARGS(phys, nr_pages, err));

DEFINE_EVENT(kho_memory, kho_unpreserve_folio,
	     TP_PROTO(phys_addr_t phys, unsigned long nr_pages, int err),
	     TP_ARGS(phys, nr_pages, err));

DEFINE_EVENT(kho_memory, kho_restore_folio,
	     TP_PROTO(phys_addr_t phys, unsigned long nr_pages, int err),
	     TP_ARGS(phys, nr_pages, err));

DEFINE_EVENT(kho_memory, kho_preserve_pages,
	     TP_PROTO(phys_addr_t phys, unsigned long nr_pages, int err),
	     TP_ARGS(phys, nr_pages, err));

DEFINE_EVENT(kho_memory, kho_unpreserve_pages,
	     TP_PROTO(phys_addr_t phys, unsigned long nr_pages, int err),
	     TP_ARGS(phys, nr_pages, err));

DEFINE_EVENT(kho_memory, kho_restore_pages,
	     TP_PROTO(phys_addr_t phys, unsigned long nr_pages, int err),
	     TP_ARGS(phys, nr_pages, err));

/*
 * Blobs that are named in the root FDT for, or by, another kernel. What is not
 * known is 0: the size of one that is removed, all of one that was not found.
 */
DECLARE_EVENT_CLASS(kho_subtree,

	TP_PROTO(const char *name, phys_addr_t phys, u64 size, int err),

	TP_ARGS(name, phys, size, err),

	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, phys)
		__field(u64, size)
		__field(int, err)
	),

	TP_fast_assign(
		__assign_str(name);
		__entry->phys = phys;
		__entry->size = size;
		__entry->err = err;
	),

	TP_printk("phys=0x%llx size=%llu err=%d name=%s",
		  __entry->phys, __entry->size, __entry->err, __get_str(name))
);

DEFINE_EVENT(kho_subtree, kho_add_subtree,
	     TP_PROTO(const char *name, phys_addr_t phys, u64 size, int err),
	     TP_ARGS(name, phys, size, err));

DEFINE_EVENT(kho_subtree, kho_remove_subtree,
	     TP_PROTO(const char *name, phys_addr_t phys, u64 size, int err),
	     TP_ARGS(name, phys, size, err));

DEFINE_EVENT(kho_subtree, kho_retrieve_subtree,
	     TP_PROTO(const char *name, phys_addr_t phys, u64 size, int err),
	     TP_ARGS(name, phys, size, err));

/* An image that hands over is being loaded. */
TRACE_EVENT(kho_prepare_image,

	TP_PROTO(phys_addr_t fdt, unsigned int nr_scratch, int err),

	TP_ARGS(fdt, nr_scratch, err),

	TP_STRUCT__entry(
		__field(u64, fdt)
		__field(unsigned int, nr_scratch)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->fdt = fdt;
		__entry->nr_scratch = nr_scratch;
		__entry->err = err;
	),

	TP_printk("fdt=0x%llx nr_scratch=%u err=%d",
		  __entry->fdt, __entry->nr_scratch, __entry->err)
);

/* A segment of it was written in place, or has to be copied by the kexec. */
TRACE_EVENT(kho_load_segment,

	TP_PROTO(unsigned int id, phys_addr_t phys, u64 size, bool in_place),

	TP_ARGS(id, phys, size, in_place),

	TP_STRUCT__entry(
		__field(unsigned int, id)
		__field(u64, phys)
		__field(u64, size)
		__field(bool, in_place)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->phys = phys;
		__entry->size = size;
		__entry->in_place = in_place;
	),

	TP_printk("id=%u phys=0x%llx size=%llu in_place=%d",
		  __entry->id, __entry->phys, __entry->size, __entry->in_place)
);

/*
 * This kernel took over. That is done before there is tracing, so one event
 * tells afterwards what came of each step: kho_populate() found the FDT and the
 * scratch areas; kho_memory_init_early() read the tree of preserved memory and
 * reserved the blocks that it lies in; kho_memory_release() gave the rest of
 * these, and scratch, to the page allocator. Sizes are in bytes.
 */
TRACE_EVENT(kho_takeover,

	TP_PROTO(phys_addr_t fdt, unsigned int nr_scratch,
		 unsigned long nr_nodes, u64 preserved, u64 reserved,
		 u64 block_size, u64 released),

	TP_ARGS(fdt, nr_scratch, nr_nodes, preserved, reserved, block_size,
		released),

	TP_STRUCT__entry(
		__field(u64, fdt)
		__field(unsigned int, nr_scratch)
		__field(unsigned long, nr_nodes)
		__field(u64, preserved)
		__field(u64, reserved)
		__field(u64, block_size)
		__field(u64, released)
	),

	TP_fast_assign(
		__entry->fdt = fdt;
		__entry->nr_scratch = nr_scratch;
		__entry->nr_nodes = nr_nodes;
		__entry->preserved = preserved;
		__entry->reserved = reserved;
		__entry->block_size = block_size;
		__entry->released = released;
	),

	TP_printk("fdt=0x%llx nr_scratch=%u nr_nodes=%lu preserved=%llu reserved=%llu block_size=%llu released=%llu",
		  __entry->fdt, __entry->nr_scratch, __entry->nr_nodes,
		  __entry->preserved, __entry->reserved, __entry->block_size,
		  __entry->released)
);

#endif /* _TRACE_KHO_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
