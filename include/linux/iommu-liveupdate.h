/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IOMMUs over a live update: interface for drivers of devices, and for drivers of
 * IOMMUs.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_IOMMU_LIVEUPDATE_H
#define _LINUX_IOMMU_LIVEUPDATE_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct iommu_ops;
struct iommufd_device;
struct liveupdate_file_handler;
struct liveupdate_flb;
struct liveupdate_session;

/**
 * struct iommu_liveupdate_ops - what an IOMMU driver provides
 * @flb:         state for the next kernel, which files of devices share
 * @preserve:    keep the tables by which a device reaches memory, of which all must
 *               be memory of the session. Returns a cookie or an ERR_PTR. When the
 *               kernel is replaced, translation of such devices stays on, and that
 *               of all others is cut off.
 * @unpreserve:  undo @preserve; the device may be gone
 * @freeze:      the kexec is near: is all still as @preserve has found it? 0 or an errno
 * @is_incoming: does the IOMMU translate for the device by tables that came in?
 * @adopt:       make a domain of these tables. To attach it for the first time
 *               programs nothing
 * @leaf:        how much is mapped by the entry of a domain of @adopt for an address, and
 *               how: IOMMU_READ and IOMMU_WRITE, 0 if it is not present
 * @abandon:     cut the device off, and let go of what @adopt made, before the
 *               domain was attached. It is freed afterwards
 *
 * All but @is_incoming and @leaf may sleep.
 */
struct iommu_liveupdate_ops {
	struct liveupdate_flb *flb;
	void *(*preserve)(struct device *dev, struct iommu_domain *domain,
			  struct liveupdate_session *session);
	void (*unpreserve)(void *cookie);
	int (*freeze)(void *cookie);
	bool (*is_incoming)(struct device *dev);
	struct iommu_domain *(*adopt)(struct device *dev);
	size_t (*leaf)(struct iommu_domain *domain, unsigned long iova,
		       int *prot);
	void (*abandon)(struct device *dev, struct iommu_domain *domain);
};

/**
 * enum iommu_liveupdate_state - where a device is on its way into this kernel
 * @IOMMU_LIVEUPDATE_NONE:     it did not come in, or is finished
 * @IOMMU_LIVEUPDATE_INCOMING: it uses tables that nobody has asked for
 * @IOMMU_LIVEUPDATE_ADOPTED:  there is a domain of these tables
 * @IOMMU_LIVEUPDATE_ATTACHED: that domain was attached, like any other
 */
enum iommu_liveupdate_state {
	IOMMU_LIVEUPDATE_NONE,
	IOMMU_LIVEUPDATE_INCOMING,
	IOMMU_LIVEUPDATE_ADOPTED,
	IOMMU_LIVEUPDATE_ATTACHED,
};

#ifdef CONFIG_IOMMU_LIVEUPDATE

int iommu_liveupdate_register_flb(struct liveupdate_file_handler *fh);
void iommu_liveupdate_unregister_flb(struct liveupdate_file_handler *fh);
int iommu_liveupdate_preserve(struct device *dev,
			      struct liveupdate_session *session);
void iommu_liveupdate_unpreserve(struct device *dev);
bool iommu_liveupdate_is_preserved(struct device *dev);
int iommu_liveupdate_freeze(struct device *dev);
bool iommu_liveupdate_is_incoming(struct device *dev);
struct iommu_domain *iommu_liveupdate_adopt(struct device *dev);
u64 iommu_liveupdate_unclaimed(struct device *dev);
void iommu_liveupdate_finish(struct device *dev);

/* For drivers/iommu. */
void iommu_liveupdate_register(const struct iommu_ops *ops);
void iommu_liveupdate_probe(struct device *dev);
void iommu_liveupdate_release(struct device *dev);
bool iommu_liveupdate_is_fixed(struct iommu_domain *domain);
bool iommu_liveupdate_defers(struct device *dev, struct iommu_domain *domain);
int iommu_liveupdate_may_attach(struct device *dev, struct iommu_domain *domain);
void iommu_liveupdate_attached(struct device *dev);
int iommu_liveupdate_may_map(struct iommu_domain *domain, unsigned long iova,
			     phys_addr_t paddr, size_t size, int prot);
void iommu_liveupdate_lose(struct device *dev, const char *why);

/* Of iommufd, for drivers of its devices. */
int iommufd_device_preserve(struct iommufd_device *idev,
			    struct liveupdate_session *session);

/* For iommufd. */
bool iommu_liveupdate_is_untouched(struct device *dev);
struct iommu_domain *iommu_liveupdate_take(struct device *dev);

#else /* CONFIG_IOMMU_LIVEUPDATE */

static inline int
iommu_liveupdate_register_flb(struct liveupdate_file_handler *fh)
{
	return 0;
}

static inline void
iommu_liveupdate_unregister_flb(struct liveupdate_file_handler *fh) { }

static inline int iommu_liveupdate_preserve(struct device *dev,
					    struct liveupdate_session *session)
{
	return -EOPNOTSUPP;
}

static inline int iommufd_device_preserve(struct iommufd_device *idev,
					  struct liveupdate_session *session)
{
	return -EOPNOTSUPP;
}

static inline void iommu_liveupdate_unpreserve(struct device *dev) { }

static inline bool iommu_liveupdate_is_preserved(struct device *dev)
{
	return false;
}

static inline int iommu_liveupdate_freeze(struct device *dev)
{
	return 0;
}

static inline bool iommu_liveupdate_is_incoming(struct device *dev)
{
	return false;
}

static inline struct iommu_domain *iommu_liveupdate_adopt(struct device *dev)
{
	return ERR_PTR(-ENODEV);
}

static inline u64 iommu_liveupdate_unclaimed(struct device *dev)
{
	return 0;
}

static inline void iommu_liveupdate_finish(struct device *dev) { }
static inline void iommu_liveupdate_register(const struct iommu_ops *ops) { }
static inline void iommu_liveupdate_probe(struct device *dev) { }
static inline void iommu_liveupdate_release(struct device *dev) { }

static inline bool iommu_liveupdate_is_fixed(struct iommu_domain *domain)
{
	return false;
}

static inline bool iommu_liveupdate_defers(struct device *dev,
					   struct iommu_domain *domain)
{
	return false;
}

static inline int iommu_liveupdate_may_attach(struct device *dev,
					      struct iommu_domain *domain)
{
	return 0;
}

static inline void iommu_liveupdate_attached(struct device *dev) { }

static inline int iommu_liveupdate_may_map(struct iommu_domain *domain,
					   unsigned long iova,
					   phys_addr_t paddr, size_t size,
					   int prot)
{
	return 0;
}

static inline bool iommu_liveupdate_is_untouched(struct device *dev)
{
	return false;
}

static inline struct iommu_domain *iommu_liveupdate_take(struct device *dev)
{
	return NULL;
}

#endif /* CONFIG_IOMMU_LIVEUPDATE */

#endif /* _LINUX_IOMMU_LIVEUPDATE_H */
