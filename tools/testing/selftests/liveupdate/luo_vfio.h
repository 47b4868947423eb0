/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A PCI device that a program drives by vfio, with an IOMMU or without.
 *
 * Everything returns what the system call gave, or the negative errno.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_VFIO_H
#define SELFTESTS_LUO_VFIO_H

#include <dirent.h>
#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>

#include "luo_util.h"

/* The group of the device at an address, as in "0000:01:00.0". */
static inline int vfio_open_group(const char *address)
{
	char path[128], target[128] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 address);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/vfio/noiommu-%s",
		 strrchr(target, '/') + 1);
	return luo_result(open(path, O_RDWR | O_CLOEXEC));
}

static inline int vfio_open_iommufd(void)
{
	return luo_result(open("/dev/iommu", O_RDWR | O_CLOEXEC));
}

/* Without an IOMMU. */
static inline int vfio_open_by_group(const char *address)
{
	int group = vfio_open_group(address), iommufd, fd;

	if (group < 0)
		return group;
	iommufd = vfio_open_iommufd();
	fd = luo_result(ioctl(group, VFIO_GROUP_SET_CONTAINER, &iommufd));
	if (!fd)
		fd = luo_result(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address));
	close(iommufd);
	close(group);
	return fd;
}

/* Behind an IOMMU: the file of the cdev, which has not opened the device. */
static inline int vfio_open_cdev(const char *address)
{
	char path[320], name[256] = "";
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", address);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(name, sizeof(name), "%s", entry->d_name);
	closedir(dir);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	return luo_result(open(path, O_RDWR | O_CLOEXEC));
}

/* Open the device of a cdev, or of a file that was retrieved, and tell its ID. */
static inline int vfio_bind_id(int device, int iommufd, uint32_t *id)
{
	struct vfio_device_bind_iommufd arg = {
		.argsz = sizeof(arg),
		.iommufd = iommufd,
	};
	int ret = luo_result(ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &arg));

	*id = arg.out_devid;
	return ret;
}

static inline int vfio_bind(int device, int iommufd)
{
	uint32_t id;

	return vfio_bind_id(device, iommufd, &id);
}

/* As any program opens a device that it is given. */
static inline int vfio_open(const char *address, int iommufd)
{
	int fd = vfio_open_by_group(address), err;

	if (fd != -ENOENT)
		return fd;
	fd = vfio_open_cdev(address);
	if (fd < 0)
		return fd;
	err = vfio_bind(fd, iommufd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static inline int vfio_attach(int device, uint32_t table)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.pt_id = table,
	};

	return luo_result(ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg));
}

static inline int vfio_detach(int device)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	return luo_result(ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg));
}

/* The device may sleep until its file is used. */
static inline int vfio_may_sleep(int device)
{
	struct vfio_device_feature arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
	};

	return luo_result(ioctl(device, VFIO_DEVICE_FEATURE, &arg));
}

/* New tables without any memory. */
static inline int iommufd_ioas(int iommufd)
{
	struct iommu_ioas_alloc arg = { .size = sizeof(arg) };
	int ret = luo_result(ioctl(iommufd, IOMMU_IOAS_ALLOC, &arg));

	return ret ?: (int)arg.out_ioas_id;
}

/* Tables for a device, with what is in those without. */
static inline int iommufd_tables(int iommufd, uint32_t device, uint32_t ioas)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.dev_id = device,
		.pt_id = ioas,
	};
	int ret = luo_result(ioctl(iommufd, IOMMU_HWPT_ALLOC, &arg));

	return ret ?: (int)arg.out_hwpt_id;
}

static inline int iommufd_map_as(int iommufd, uint32_t ioas, void *memory,
				 size_t size, uint64_t iova, uint32_t rights)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | rights,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = size,
		.iova = iova,
	};

	return luo_result(ioctl(iommufd, IOMMU_IOAS_MAP, &arg));
}

static inline int iommufd_map(int iommufd, uint32_t ioas, void *memory,
			      size_t size, uint64_t iova)
{
	return iommufd_map_as(iommufd, ioas, memory, size, iova,
			      IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE);
}

static inline int iommufd_unmap(int iommufd, uint32_t ioas, size_t size,
				uint64_t iova)
{
	struct iommu_ioas_unmap arg = {
		.size = sizeof(arg),
		.ioas_id = ioas,
		.iova = iova,
		.length = size,
	};

	return luo_result(ioctl(iommufd, IOMMU_IOAS_UNMAP, &arg));
}

static inline int vfio_reset(int device)
{
	return luo_result(ioctl(device, VFIO_DEVICE_RESET));
}

static inline off_t vfio_region(int device, uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	return ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info) ? -errno :
							  (off_t)info.offset;
}

static inline int vfio_read(int device, uint32_t region, off_t at, void *value,
			    size_t size)
{
	off_t start = vfio_region(device, region);

	return start < 0 ? start :
	       luo_result(pread(device, value, size, start + at));
}

static inline int vfio_write(int device, uint32_t region, off_t at,
			     const void *value, size_t size)
{
	off_t start = vfio_region(device, region);

	return start < 0 ? start :
	       luo_result(pwrite(device, value, size, start + at));
}

/* The command register, or all ones. */
static inline uint16_t vfio_command(int device)
{
	uint16_t command = ~0;

	vfio_read(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command,
		  sizeof(command));
	return command;
}

static inline int vfio_set_command(int device, uint16_t command)
{
	return vfio_write(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND,
			  &command, sizeof(command));
}

/* Have interrupts of a kind, the first @count, signal @eventfds; 0 turns it off. */
static inline int vfio_set_irqs(int device, uint32_t index, const int *eventfds,
				int count)
{
	char space[sizeof(struct vfio_irq_set) + 8 * sizeof(int)] = { };
	struct vfio_irq_set *arg = (void *)space;

	arg->argsz = sizeof(*arg) + count * sizeof(int);
	arg->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	arg->index = index;
	arg->count = count;
	memcpy(arg->data, eventfds, count * sizeof(int));
	return luo_result(ioctl(device, VFIO_DEVICE_SET_IRQS, arg));
}

/* Likewise, vectors of MSI-X. */
static inline int vfio_set_vectors(int device, const int *eventfds, int count)
{
	return vfio_set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, eventfds, count);
}

static inline int vfio_eventfd(void)
{
	return luo_result(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

/* How often it was signalled since it was asked last. */
static inline int vfio_events(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	return count;
}

#endif /* SELFTESTS_LUO_VFIO_H */
