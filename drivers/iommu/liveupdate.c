// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMUs over a live update: what does not depend on the kind of IOMMU, and devices in
 * the kernel that hands them over.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: IOMMUs
 *
 * A device that goes on over a live update reaches memory by the translation of its
 * IOMMU, which must not end for a moment. The driver of the device has attached an
 * unmanaged domain, and has mapped nothing but memory of files that are in the
 * session.
 *
 * - When the device is preserved, so are the pages of the domain's tables. The domain
 *   is fixed then: nothing can be mapped or unmapped.
 * - When the kernel is replaced, the IOMMU goes on translating for these devices, and
 *   for no others.
 * - In the next kernel the device is "incoming". The IOMMU driver takes the
 *   translation over as it is. No domain can be attached but the one that is made of
 *   the tables that came in. From then on this is a domain like any other.
 *
 * A device that nobody adopts is stopped before its translation ends. Its memory is
 * freed after that.
 */

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "iommu-priv.h"

/**
 * struct iommu_out - a device that is preserved
 * @list:   in iommu_outs
 * @dev:    the device
 * @domain: its domain
 * @ops:    of the IOMMU driver
 * @cookie: from &iommu_liveupdate_ops.preserve
 */
struct iommu_out {
	struct list_head list;
	struct device *dev;
	struct iommu_domain *domain;
	const struct iommu_liveupdate_ops *ops;
	void *cookie;
};

static LIST_HEAD(iommu_outs);

/* Protects iommu_outs. Inside of the locks of sessions. */
static DEFINE_MUTEX(iommu_out_lock);

/* Of the driver of the IOMMUs of this machine, NULL if it has none that can. */
static const struct iommu_liveupdate_ops *iommu_driver;

/**
 * iommu_liveupdate_register - an IOMMU is there
 * @ops: of its driver
 *
 * Context: boot
 */
void iommu_liveupdate_register(const struct iommu_ops *ops)
{
	if (ops->liveupdate)
		WRITE_ONCE(iommu_driver, ops->liveupdate);
}

/**
 * iommu_liveupdate_register_flb - let a handler preserve devices behind an IOMMU
 * @fh: a handler, registered
 *
 * Context: may sleep
 * Return: 0, also when the machine has no IOMMU; or an errno of
 * liveupdate_register_flb().
 */
int iommu_liveupdate_register_flb(struct liveupdate_file_handler *fh)
{
	const struct iommu_liveupdate_ops *ops = READ_ONCE(iommu_driver);

	return ops ? liveupdate_register_flb(fh, ops->flb) : 0;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_register_flb);

/**
 * iommu_liveupdate_unregister_flb - undo iommu_liveupdate_register_flb()
 * @fh: the handler
 *
 * Context: may sleep
 */
void iommu_liveupdate_unregister_flb(struct liveupdate_file_handler *fh)
{
	const struct iommu_liveupdate_ops *ops = READ_ONCE(iommu_driver);

	if (ops)
		liveupdate_unregister_flb(fh, ops->flb);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unregister_flb);

/**
 * iommu_liveupdate_is_incoming - has a device come in, and is not finished?
 * @dev: the device
 *
 * Context: any
 * Return: true between the boot and iommu_liveupdate_finish().
 */
bool iommu_liveupdate_is_incoming(struct device *dev)
{
	return dev->iommu && READ_ONCE(dev->iommu->liveupdate);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_is_incoming);

static struct iommu_out *iommu_out_find(struct device *dev)
{
	struct iommu_out *out;

	lockdep_assert_held(&iommu_out_lock);

	list_for_each_entry(out, &iommu_outs, list)
		if (out->dev == dev)
			return out;
	return NULL;
}

static int count_device(struct device *dev, void *data)
{
	return ++*(int *)data > 1;
}

/* A group of several devices has one domain, which none of them owns. */
static bool is_alone(struct device *dev)
{
	int nr = 0;

	return dev->iommu_group &&
	       !iommu_group_for_each_dev(dev->iommu_group, &nr, count_device);
}

static int iommu_out_add(struct device *dev, struct iommu_domain *domain,
			 struct liveupdate_session *session)
{
	struct iommu_out *out = kzalloc(sizeof(*out), GFP_KERNEL);
	int err;

	if (!out)
		return -ENOMEM;
	out->ops = dev_iommu_ops(dev)->liveupdate;

	WRITE_ONCE(domain->fixed, true);
	out->cookie = out->ops->preserve(dev, domain, session);
	err = PTR_ERR_OR_ZERO(out->cookie);
	if (err) {
		WRITE_ONCE(domain->fixed, false);
		kfree(out);
		return err;
	}

	out->dev = get_device(dev);
	out->domain = domain;
	list_add(&out->list, &iommu_outs);
	return 0;
}

/**
 * iommu_liveupdate_preserve - keep the translation of a device over the kexec
 * @dev:     the device
 * @session: the session that its file is being put into
 *
 * For &liveupdate_file_ops.preserve of a handler that is linked to the state of
 * IOMMUs, see iommu_liveupdate_register_flb(), before pci_liveupdate_preserve(). The
 * driver has attached an unmanaged domain, which it frees after
 * iommu_liveupdate_unpreserve() only. Until then nothing can be mapped or unmapped.
 *
 * Context: a preserve callback; the driver maps and attaches nothing meanwhile
 * Return: 0; -EOPNOTSUPP when there is no IOMMU whose driver can do that, the domain
 * is not an unmanaged one, the device shares its IOMMU group, or uses features of the
 * IOMMU that are not preserved; -EPERM when it can reach memory that is not in a file
 * of the session; -EBUSY when it is preserved, or came in and is not finished, or
 * another device with the same domain is preserved; -ENOSPC when devices were added
 * since the first one was preserved; -EINVAL when the handler is not linked; or an
 * errno of kho_preserve_pages().
 */
int iommu_liveupdate_preserve(struct device *dev,
			      struct liveupdate_session *session)
{
	struct iommu_domain *domain;

	if (!dev->iommu || !dev->iommu->iommu_dev || !is_alone(dev) ||
	    !dev_iommu_ops(dev)->liveupdate)
		return -EOPNOTSUPP;
	domain = iommu_get_domain_for_dev(dev);
	if (!domain || domain->type != IOMMU_DOMAIN_UNMANAGED)
		return -EOPNOTSUPP;

	guard(mutex)(&iommu_out_lock);
	if (domain->fixed || iommu_out_find(dev) ||
	    iommu_liveupdate_is_incoming(dev))
		return -EBUSY;
	return iommu_out_add(dev, domain, session);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_preserve);

/**
 * iommu_liveupdate_unpreserve - undo iommu_liveupdate_preserve()
 * @dev: the device, which may be gone by now; nothing happens if it is not preserved
 *
 * Context: may sleep
 */
void iommu_liveupdate_unpreserve(struct device *dev)
{
	struct iommu_out *out;

	guard(mutex)(&iommu_out_lock);
	out = iommu_out_find(dev);
	if (!out)
		return;
	list_del(&out->list);
	out->ops->unpreserve(out->cookie);
	WRITE_ONCE(out->domain->fixed, false);
	put_device(out->dev);
	kfree(out);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unpreserve);

/**
 * iommu_liveupdate_is_preserved - is the translation of a device preserved?
 * @dev: the device
 *
 * Context: may sleep
 * Return: true between iommu_liveupdate_preserve() and iommu_liveupdate_unpreserve().
 */
bool iommu_liveupdate_is_preserved(struct device *dev)
{
	guard(mutex)(&iommu_out_lock);
	return iommu_out_find(dev);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_is_preserved);

/**
 * iommu_liveupdate_freeze - may the kexec go ahead?
 * @dev: a device; one that is not preserved here is fine
 *
 * For &liveupdate_file_ops.freeze, which fails if this does.
 *
 * Context: may sleep
 * Return: 0; -EIO when another domain was attached since the device was preserved, or
 * its translation was changed, as by a PASID.
 */
int iommu_liveupdate_freeze(struct device *dev)
{
	struct iommu_out *out;

	guard(mutex)(&iommu_out_lock);
	out = iommu_out_find(dev);
	if (!out || (iommu_get_domain_for_dev(dev) == out->domain &&
		     !out->ops->freeze(out->cookie)))
		return 0;
	dev_err(dev, "live update: what the IOMMU translates was changed since the device was preserved; close its session, and preserve it again\n");
	return -EIO;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_freeze);

/**
 * iommu_liveupdate_is_fixed - must a domain stay as it is?
 * @domain: the domain
 *
 * Return: true when a device with this domain is preserved.
 */
bool iommu_liveupdate_is_fixed(struct iommu_domain *domain)
{
	return READ_ONCE(domain->fixed);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_is_fixed);
