/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): keep memory over kexec.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KEXEC_HANDOVER_H
#define _LINUX_KEXEC_HANDOVER_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct folio;
struct kexec_buf;
struct kexec_segment;
struct kho_scratch;
struct kho_vmalloc;
struct kimage;
struct page;
struct resource;

/**
 * struct kho_kimage - what a loaded kexec image hands over
 * @fdt:        physical address of the root FDT, 0 for nothing
 * @scratch_id: the segment that is the array of scratch areas, not on x86
 * @in_place:   bitmap of the segments that were written to where they belong
 *              and are not copied there at the time of the kexec
 */
struct kho_kimage {
	phys_addr_t fdt;
	unsigned int scratch_id;
	unsigned long in_place;
};

/* So many folios kho_preserve_folios() and kho_unpreserve_folios() take at once. */
#define KHO_FOLIO_BATCH		128

#ifdef CONFIG_KEXEC_HANDOVER

bool kho_is_enabled(void);
bool is_kho_boot(void);

int kho_preserve_folio(struct folio *folio);
void kho_unpreserve_folio(struct folio *folio);
int kho_preserve_folios(struct folio *const *folios, unsigned int nr);
void kho_unpreserve_folios(struct folio *const *folios, unsigned int nr);
int kho_preserve_pages(struct page *page, unsigned long nr_pages);
void kho_unpreserve_pages(struct page *page, unsigned long nr_pages);
int kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation);
int kho_preserve_page_array(struct page **pages, unsigned int nr,
			    struct kho_vmalloc *preservation);
void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation);
void *kho_alloc_preserve(size_t size);
void *kho_alloc_preserve_dirty(size_t size);
void kho_unpreserve_free(void *mem);
void kho_restore_free(void *mem);

struct folio *kho_restore_folio(phys_addr_t phys);
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr_pages);
void *kho_restore_vmalloc(const struct kho_vmalloc *preservation);
bool kho_is_preserved(phys_addr_t phys, u64 size);
int kho_read_vmalloc(const struct kho_vmalloc *preservation,
		     int (*read)(const void *data, size_t size, void *arg),
		     void *arg);

int kho_add_subtree(const char *name, void *blob, size_t size);
void kho_remove_subtree(void *blob);
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size);

/* For architecture code and memory initialisation. */
void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
		  phys_addr_t scratch_phys, u64 scratch_len);
void kho_memory_init_early(void);

/*
 * Where memory begins that is freed after boot. On x86 all below 1M stays
 * reserved: the next kernel writes there before it knows what is preserved.
 */
static inline phys_addr_t kho_first_phys(void)
{
	return IS_ENABLED(CONFIG_X86) ? SZ_1M : 0;
}

void kho_memory_init(void);
void kho_memory_hold_scratch(void);
void kho_memory_release(void);
void kho_memory_release_late(void);
int kho_copy_subtree_early(const char *name, void *buf, size_t size);
bool kho_holds_early(phys_addr_t phys, phys_addr_t size);
bool kho_scratch_overlap(phys_addr_t phys, size_t size);
const struct kho_scratch *kho_scratch_areas(unsigned int *nr);
bool kho_reserve_mem(const char *name, phys_addr_t size, phys_addr_t align,
		     phys_addr_t *start);

/* For kexec. */
bool kho_image(const struct kimage *image);
int kho_prepare_image(struct kimage *image);
void kho_describe(const struct kimage *image, u64 *fdt_phys, u64 *fdt_len,
		  u64 *scratch_phys, u64 *scratch_len);
int kho_locate_mem_hole(struct kexec_buf *kbuf,
			int (*func)(struct resource *res, void *arg));
bool kho_load_segment(struct kimage *image,
		      const struct kexec_segment *segment);
bool kho_segment_in_place(const struct kimage *image, unsigned int id);
void kho_free_segments(struct kimage *image);
int kho_poison_check_image(const struct kimage *image);
void kho_before_jump(const struct kimage *image);
void kho_warn_legacy_load(void);
unsigned long kho_file_flags(unsigned long flags);
bool kho_efi_kexec_boot(void);
bool kho_crash_trylock(void);

/* For mm/memory-failure.c, and owners of memory that failed. */
void kho_restore_free_phys(phys_addr_t phys);
#ifdef CONFIG_MEMORY_FAILURE
int kho_poison_add(unsigned long pfn);
void kho_poison_del(unsigned long pfn);
unsigned long kho_poisoned_folio(phys_addr_t phys);
#endif

/* In mm/vmalloc.c. */
void *kho_vmalloc_adopt(struct page **pages, unsigned int nr_pages,
			unsigned int page_order, unsigned long vm_flags);

#else /* CONFIG_KEXEC_HANDOVER */

static inline bool kho_is_enabled(void)
{
	return false;
}

static inline bool is_kho_boot(void)
{
	return false;
}

static inline int kho_preserve_folio(struct folio *folio)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_folio(struct folio *folio) { }

static inline int kho_preserve_folios(struct folio *const *folios,
				      unsigned int nr)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_folios(struct folio *const *folios,
					 unsigned int nr) { }

static inline int kho_preserve_pages(struct page *page, unsigned long nr_pages)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_pages(struct page *page,
					unsigned long nr_pages) { }

static inline int kho_preserve_page_array(struct page **pages, unsigned int nr,
					  struct kho_vmalloc *preservation)
{
	return -EOPNOTSUPP;
}

static inline int kho_preserve_vmalloc(void *ptr,
				       struct kho_vmalloc *preservation)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation) { }

static inline void *kho_alloc_preserve(size_t size)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void kho_unpreserve_free(void *mem) { }
static inline void kho_restore_free(void *mem) { }

static inline struct folio *kho_restore_folio(phys_addr_t phys)
{
	return NULL;
}

static inline struct page *kho_restore_pages(phys_addr_t phys,
					     unsigned long nr_pages)
{
	return NULL;
}

static inline void *kho_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	return NULL;
}

static inline bool kho_is_preserved(phys_addr_t phys, u64 size)
{
	return false;
}

static inline int
kho_read_vmalloc(const struct kho_vmalloc *preservation,
		 int (*read)(const void *data, size_t size, void *arg),
		 void *arg)
{
	return -EINVAL;
}

static inline int kho_add_subtree(const char *name, void *blob, size_t size)
{
	return -EOPNOTSUPP;
}

static inline void kho_remove_subtree(void *blob) { }

static inline int kho_retrieve_subtree(const char *name, phys_addr_t *phys,
				       size_t *size)
{
	return -EOPNOTSUPP;
}

static inline void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
				phys_addr_t scratch_phys, u64 scratch_len) { }
static inline void kho_memory_init_early(void) { }

static inline phys_addr_t kho_first_phys(void)
{
	return 0;
}

static inline void kho_memory_init(void) { }
static inline void kho_memory_hold_scratch(void) { }
static inline void kho_memory_release(void) { }
static inline void kho_memory_release_late(void) { }

static inline bool kho_holds_early(phys_addr_t phys, phys_addr_t size)
{
	return false;
}

static inline bool kho_scratch_overlap(phys_addr_t phys, size_t size)
{
	return false;
}

static inline bool kho_reserve_mem(const char *name, phys_addr_t size,
				   phys_addr_t align, phys_addr_t *start)
{
	return false;
}

static inline bool kho_image(const struct kimage *image)
{
	return false;
}

static inline int kho_prepare_image(struct kimage *image)
{
	return 0;
}

static inline void kho_describe(const struct kimage *image, u64 *fdt_phys,
				u64 *fdt_len, u64 *scratch_phys,
				u64 *scratch_len) { }

static inline int
kho_locate_mem_hole(struct kexec_buf *kbuf,
		    int (*func)(struct resource *res, void *arg))
{
	return -EOPNOTSUPP;
}

static inline bool kho_load_segment(struct kimage *image,
				    const struct kexec_segment *segment)
{
	return false;
}

static inline bool kho_segment_in_place(const struct kimage *image,
					unsigned int id)
{
	return false;
}

static inline void kho_free_segments(struct kimage *image) { }

static inline int kho_poison_check_image(const struct kimage *image)
{
	return 0;
}

static inline void kho_before_jump(const struct kimage *image) { }
static inline void kho_warn_legacy_load(void) { }

static inline unsigned long kho_file_flags(unsigned long flags)
{
	return flags;
}

static inline bool kho_efi_kexec_boot(void)
{
	return false;
}

static inline bool kho_crash_trylock(void)
{
	return false;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#if !defined(CONFIG_KEXEC_HANDOVER) || !defined(CONFIG_MEMORY_FAILURE)
static inline int kho_poison_add(unsigned long pfn)
{
	return -EOPNOTSUPP;
}

static inline void kho_poison_del(unsigned long pfn) { }

static inline unsigned long kho_poisoned_folio(phys_addr_t phys)
{
	return 0;
}
#endif

#endif /* _LINUX_KEXEC_HANDOVER_H */
