// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of iommufd over a live update: in the kernel that hands over.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>

#include "iommufd_private.h"

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
