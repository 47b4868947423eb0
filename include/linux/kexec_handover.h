/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): what subsystems keep memory over kexec with.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KEXEC_HANDOVER_H
#define _LINUX_KEXEC_HANDOVER_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/gfp_types.h>
#include <linux/types.h>

struct folio;
struct kho_vmalloc;
struct page;

/* So many folios kho_preserve_folios() and kho_unpreserve_folios() take at once. */
#define KHO_FOLIO_BATCH		128

/*
 * To allocate what is needed to read or restore what the previous kernel handed
 * over: there is no other copy of that, and it would be lost if memory was short
 * for a moment. Sizes must have a limit that a damaged handover cannot exceed.
 */
#define GFP_KHO_RESTORE		(GFP_KERNEL | __GFP_NOFAIL)

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

/* For gigantic pages of hugetlb. */
#ifdef CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP
bool kho_memmap_is_shared(unsigned long pfn);
struct folio *kho_restore_gigantic(phys_addr_t phys);
int kho_memmap_restore(struct folio *folio);
#endif

/* For owners of memory that failed. */
void kho_restore_free_phys(phys_addr_t phys);
#ifdef CONFIG_MEMORY_FAILURE
int kho_poison_add(unsigned long pfn);
void kho_poison_del(unsigned long pfn);
unsigned long kho_poison_next(unsigned long pfn, unsigned long end);
bool kho_poison_is_complete(void);
unsigned long kho_poisoned_folio(phys_addr_t phys);
#endif

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

#endif /* CONFIG_KEXEC_HANDOVER */

#if !defined(CONFIG_KEXEC_HANDOVER) || !defined(CONFIG_MEMORY_FAILURE)
static inline int kho_poison_add(unsigned long pfn)
{
	return -EOPNOTSUPP;
}

static inline void kho_poison_del(unsigned long pfn) { }

static inline unsigned long kho_poison_next(unsigned long pfn, unsigned long end)
{
	return end;
}

static inline bool kho_poison_is_complete(void)
{
	return false;
}

static inline unsigned long kho_poisoned_folio(phys_addr_t phys)
{
	return 0;
}
#endif

#endif /* _LINUX_KEXEC_HANDOVER_H */
