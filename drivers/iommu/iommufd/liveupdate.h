/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of iommufd over a live update: what the rest of iommufd calls.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef IOMMUFD_LIVEUPDATE_H
#define IOMMUFD_LIVEUPDATE_H

#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/xarray.h>

#include "io_pagetable.h"

/**
 * iopt_liveupdate_is_fixed - must nothing be unmapped?
 * @iopt: the tables
 *
 * Context: with domains_rwsem held
 * Return: true when a device is preserved that is translated by one of its domains.
 */
static inline bool iopt_liveupdate_is_fixed(struct io_pagetable *iopt)
{
	struct iommu_domain *domain;
	unsigned long index;

	lockdep_assert_held(&iopt->domains_rwsem);

	xa_for_each(&iopt->domains, index, domain)
		if (iommu_liveupdate_is_fixed(domain))
			return true;
	return false;
}

struct device;
struct iommufd_ioas;

#ifdef CONFIG_IOMMU_LIVEUPDATE

struct iommu_domain *iommufd_liveupdate_take(struct iommufd_ioas *ioas,
					     struct device *dev);

#else /* CONFIG_IOMMU_LIVEUPDATE */

static inline struct iommu_domain *
iommufd_liveupdate_take(struct iommufd_ioas *ioas, struct device *dev)
{
	return NULL;
}

#endif /* CONFIG_IOMMU_LIVEUPDATE */

#endif /* IOMMUFD_LIVEUPDATE_H */
