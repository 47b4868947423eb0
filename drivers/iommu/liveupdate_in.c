// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMUs over a live update: devices in the kernel that receives them.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "iommu-priv.h"

/* Let a device reach no memory any more. */
static void iommu_stop(struct device *dev, const char *why)
{
	struct pci_dev *pdev;
	u16 command;

	if (!dev_is_pci(dev))
		return;
	pdev = to_pci_dev(dev);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	/* It is gone. */
	if (PCI_POSSIBLE_ERROR(command))
		return;
	pci_clear_master(pdev);
	if (pci_wait_for_pending_transaction(pdev))
		dev_notice(dev, "live update: %s; bus mastering is off\n", why);
	else
		dev_err(dev, "live update: %s; bus mastering is off, but the device has transactions pending: reboot the machine\n",
			why);
}

/**
 * iommu_liveupdate_lose - a device cannot be translated as it was
 * @dev: the device; nothing happens if it did not come in, or is a bridge
 * @why: for the log
 *
 * It is stopped and reset, its file cannot be retrieved, and it is like any other from
 * now on.
 *
 * Context: may sleep
 */
void iommu_liveupdate_lose(struct device *dev, const char *why)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return;
	pdev = to_pci_dev(dev);
	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL ||
	    !pci_liveupdate_is_incoming(pdev))
		return;
	iommu_stop(dev, why);
	pci_liveupdate_finish(pdev);
	/* A driver may let it master the bus before it resets it. */
	if (pci_try_reset_function(pdev))
		dev_warn(dev, "live update: the device cannot be reset; do not let a driver bind it that does not reset it first\n");
}

/**
 * iommu_liveupdate_probe - a device was found behind an IOMMU: did it come in?
 * @dev: the device
 *
 * The device is lost if it came in without an IOMMU, or the IOMMU has not taken its
 * tables over: it is about to be translated by others.
 *
 * Context: may sleep
 */
void iommu_liveupdate_probe(struct device *dev)
{
	const struct iommu_liveupdate_ops *ops = dev_iommu_ops(dev)->liveupdate;

	if (ops && ops->is_incoming(dev))
		WRITE_ONCE(dev->iommu->liveupdate, IOMMU_LIVEUPDATE_INCOMING);
	else
		iommu_liveupdate_lose(dev,
				      "the IOMMU does not translate as it did before the update");
}

/**
 * iommu_liveupdate_is_untouched - does a device use tables that nobody has attached?
 * @dev: the device, behind an IOMMU
 *
 * Return: true when it came in, and no domain was attached since.
 */
bool iommu_liveupdate_is_untouched(struct device *dev)
{
	enum iommu_liveupdate_state state = READ_ONCE(dev->iommu->liveupdate);

	return state == IOMMU_LIVEUPDATE_INCOMING ||
	       state == IOMMU_LIVEUPDATE_ADOPTED;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_is_untouched);

/**
 * iommu_liveupdate_defers - does a device keep its translation for now?
 * @dev:    the device
 * @domain: the domain that its group is to have
 *
 * Who claims the device blocks it first, and who could not attach a domain goes back.
 * This would be the end of what came in.
 *
 * Context: the group is locked
 * Return: true when @domain blocks, or is the default one, and the device came in and
 * has no domain.
 */
bool iommu_liveupdate_defers(struct device *dev, struct iommu_domain *domain)
{
	return iommu_liveupdate_is_untouched(dev) &&
	       (domain->type == IOMMU_DOMAIN_BLOCKED ||
		domain == iommu_get_dma_domain(dev));
}

/**
 * iommu_liveupdate_may_attach - may a domain be attached to a device?
 * @dev:    the device
 * @domain: the domain
 *
 * Context: the group is locked
 * Return: 0; -EBUSY for one that came in, unless @domain was made of its tables, or
 * this one was attached before.
 */
int iommu_liveupdate_may_attach(struct device *dev, struct iommu_domain *domain)
{
	return iommu_liveupdate_is_untouched(dev) &&
	       domain != dev->iommu->adopted ? -EBUSY : 0;
}

/**
 * iommu_liveupdate_attached - a domain was attached to a device
 * @dev: the device
 *
 * Until then the domain of its tables is the device's: who could not attach it does not
 * free it.
 *
 * Context: as iommu_liveupdate_may_attach()
 */
void iommu_liveupdate_attached(struct device *dev)
{
	if (!iommu_liveupdate_is_untouched(dev))
		return;
	WRITE_ONCE(dev->iommu->adopted->fixed, false);
	dev->iommu->adopted = NULL;
	WRITE_ONCE(dev->iommu->liveupdate, IOMMU_LIVEUPDATE_ATTACHED);
}

/* The group is locked: nothing is attached meanwhile. */
static struct iommu_domain *iommu_adopt(struct device *dev)
{
	struct iommu_domain *domain;

	iommu_group_mutex_assert(dev);

	if (!iommu_liveupdate_is_incoming(dev))
		return ERR_PTR(-ENODEV);
	if (dev->iommu->liveupdate != IOMMU_LIVEUPDATE_INCOMING)
		return ERR_PTR(-EBUSY);
	domain = dev_iommu_ops(dev)->liveupdate->adopt(dev);
	if (IS_ERR(domain))
		return domain;
	dev->iommu->adopted = domain;
	WRITE_ONCE(domain->fixed, true);
	WRITE_ONCE(dev->iommu->liveupdate, IOMMU_LIVEUPDATE_ADOPTED);
	return domain;
}

/* What iommu_adopt() is asked for, and its result. */
struct iommu_adoption {
	struct device *dev;
	struct iommu_domain *domain;
};

static int iommu_adopt_in_group(struct device *dev, void *data)
{
	struct iommu_adoption *adoption = data;

	if (dev == adoption->dev)
		adoption->domain = iommu_adopt(dev);
	return 0;
}

/* Calls a function for all devices in the group of a device, with the group locked. */
static void iommu_for_group_of(struct device *dev, void *data,
			       int (*fn)(struct device *dev, void *data))
{
	struct iommu_group *group = iommu_group_get(dev);

	if (!group)
		return;
	iommu_group_for_each_dev(group, data, fn);
	iommu_group_put(group);
}

/**
 * iommu_liveupdate_adopt - make a domain of the tables that a device came in with
 * @dev: the device, which the caller's driver has bound
 *
 * For &liveupdate_file_ops.retrieve. The caller attaches the domain, by which nothing
 * changes for the device. From then on it is an unmanaged domain like any other. If
 * the caller cannot attach it, it leaves it to iommu_liveupdate_finish().
 *
 * Context: may sleep; locks the group
 * Return: the domain, or an ERR_PTR: -ENODEV when the device did not come in with a
 * translation, or it could not be taken over; -EBUSY when it is adopted already; or an
 * errno of the IOMMU driver.
 */
struct iommu_domain *iommu_liveupdate_adopt(struct device *dev)
{
	struct iommu_adoption adoption = {
		.dev = dev,
		.domain = ERR_PTR(-ENODEV),
	};

	iommu_for_group_of(dev, &adoption, iommu_adopt_in_group);
	return adoption.domain;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_adopt);

/* Nobody knows what the device is doing. */
static void iommu_abandon(struct device *dev)
{
	struct iommu_domain *domain = dev->iommu->adopted;

	iommu_stop(dev, "nobody has taken over what the IOMMU translates for the device");
	if (!domain)
		domain = iommu_adopt(dev);
	if (IS_ERR(domain)) {
		dev_err(dev, "live update: the tables of the IOMMU cannot be freed; their memory stays reserved until the next reboot\n");
		return;
	}
	dev_iommu_ops(dev)->liveupdate->abandon(dev, domain);
	dev->iommu->adopted = NULL;
	WRITE_ONCE(domain->fixed, false);
	iommu_domain_free(domain);
}

/**
 * iommu_liveupdate_release - a device is removed
 * @dev: the device; nothing happens if it did not come in, or was attached
 *
 * It may have been unplugged.
 *
 * Context: the group is locked; may sleep
 */
void iommu_liveupdate_release(struct device *dev)
{
	if (!iommu_liveupdate_is_untouched(dev))
		return;
	iommu_abandon(dev);
	WRITE_ONCE(dev->iommu->liveupdate, IOMMU_LIVEUPDATE_NONE);
}

static int iommu_finish(struct device *dev, void *data)
{
	struct iommu_domain *domain;
	bool untouched;

	if (dev != data || !iommu_liveupdate_is_incoming(dev))
		return 0;
	untouched = iommu_liveupdate_is_untouched(dev);
	if (untouched)
		iommu_abandon(dev);
	WRITE_ONCE(dev->iommu->liveupdate, IOMMU_LIVEUPDATE_NONE);
	if (!untouched)
		return 0;

	/*
	 * That of the DMA API, at once, or when who has claimed the device lets go of
	 * it. It is blocked until then.
	 */
	domain = iommu_get_dma_domain(dev);
	dev->iommu->attach_deferred = domain &&
				      iommu_get_domain_for_dev(dev) == domain;
	iommu_deferred_attach(dev, domain);
	return 0;
}

/**
 * iommu_liveupdate_finish - a device that came in is like any other from now on
 * @dev: the device; nothing happens if it did not come in with a translation
 *
 * For &liveupdate_file_ops.finish, before pci_liveupdate_finish(), whether or not the
 * file was retrieved. If no domain was attached, the device is stopped.
 *
 * Context: may sleep; locks the group
 */
void iommu_liveupdate_finish(struct device *dev)
{
	iommu_for_group_of(dev, dev, iommu_finish);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_finish);
