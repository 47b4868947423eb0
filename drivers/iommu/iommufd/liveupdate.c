// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of iommufd over a live update: how they are preserved, and taken over.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>

#include "iommufd_private.h"
#include "liveupdate.h"

/**
 * iommufd_device_preserve - preserve the translation of a device
 * @idev:    the device
 * @session: the session that its file is being put into
 *
 * As iommu_liveupdate_preserve(). Who is mapping or unmapping memory is done with it
 * before the domain is fixed: a part would remain mapped otherwise, whose pages are
 * not pinned any more.
 *
 * Context: a preserve callback; the caller lets nobody attach or detach the device
 * Return: 0; -EOPNOTSUPP also when the device is not attached; or an errno of
 * iommu_liveupdate_preserve().
 */
int iommufd_device_preserve(struct iommufd_device *idev,
			    struct liveupdate_session *session)
{
	struct iommufd_hwpt_paging *hwpt;

	guard(mutex)(&idev->igroup->lock);
	if (!idev->igroup->hwpt)
		return -EOPNOTSUPP;
	hwpt = find_hwpt_paging(idev->igroup->hwpt);
	if (!hwpt)
		return -EOPNOTSUPP;
	guard(rwsem_write)(&hwpt->ioas->iopt.domains_rwsem);
	return iommu_liveupdate_preserve(idev->dev, session);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_preserve, IOMMUFD);

/**
 * iommufd_liveupdate_take - get the domain of the tables that a device came in with
 * @ioas: whose domain it is to be
 * @dev:  the device
 *
 * What is mapped in the IOAS already could be in conflict with the tables, and then the
 * device would lose them.
 *
 * Context: with ioas->mutex held
 * Return: the domain, or NULL when the device needs another one; or an ERR_PTR: -EBUSY
 * when memory is mapped in the IOAS; or that of iommu_liveupdate_take().
 */
struct iommu_domain *iommufd_liveupdate_take(struct iommufd_ioas *ioas,
					     struct device *dev)
{
	lockdep_assert_held(&ioas->mutex);

	if (!iommu_liveupdate_is_untouched(dev))
		return NULL;
	scoped_guard(rwsem_read, &ioas->iopt.iova_rwsem)
		if (!RB_EMPTY_ROOT(&ioas->iopt.area_itree.rb_root))
			return ERR_PTR(-EBUSY);
	return iommu_liveupdate_take(dev);
}
