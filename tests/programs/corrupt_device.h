/* SPDX-License-Identifier: GPL-2.0 */
/*
 * corrupt.c: QEMU's device "edu" behind an IOMMU, which vfio-pci has bound and which comes from kernel to kernel. While the
 * kernel is replaced it writes to a page of a memfd what it has read from there before.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef CORRUPT_DEVICE_H
#define CORRUPT_DEVICE_H

/* The session and the file in it, and the file whose page it reaches; without -DDEVICE there is none. */
#define DEVICE_SESSION	9
#define DEVICE_FILE	2
#define DEVICE_MEMORY	1

#ifdef DEVICE

#include <linux/pci_regs.h>

#include "../../tools/testing/selftests/liveupdate/luo_edu.h"
#include "../../tools/testing/selftests/liveupdate/luo_vfio.h"

#define DEVICE_IOVA	0x100000ULL
#define DEVICE_FOLDER	"/sys/bus/pci/devices"
#define DEVICE_BAR_SIZE	(1UL << 20)

static const bool has_device = true;

/* Its address, "" when there is no such device. */
static char device_address[32];

static inline const char *device_path(const char *address, const char *name)
{
	static char path[320];

	snprintf(path, sizeof(path), DEVICE_FOLDER "/%s/%s", address, name);
	return path;
}

static inline bool device_is_edu(const char *address)
{
	int fd = open(device_path(address, "device"), O_RDONLY);
	char id[8] = "";
	bool is;

	is = read(fd, id, sizeof(id) - 1) > 0 && !strncmp(id, "0x11e8", 6);
	close(fd);
	return is;
}

/* Whatever becomes of it, vfio-pci is its driver. */
static inline bool device_find(void)
{
	DIR *dir = opendir(DEVICE_FOLDER);
	struct dirent *entry;

	while (dir && !*device_address && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && device_is_edu(entry->d_name))
			snprintf(device_address, sizeof(device_address), "%.31s",
				 entry->d_name);
	if (dir)
		closedir(dir);
	return *device_address &&
	       luo_write_text(device_path(device_address, "driver_override"), "vfio-pci") &&
	       luo_write_text("/sys/bus/pci/drivers_probe", device_address);
}

static inline uint32_t device_get(int fd, off_t at)
{
	uint32_t value = ~0;

	vfio_read(fd, VFIO_PCI_BAR0_REGION_INDEX, at, &value, sizeof(value));
	return value;
}

static inline void device_set(int fd, off_t at, uint32_t value)
{
	vfio_write(fd, VFIO_PCI_BAR0_REGION_INDEX, at, &value, sizeof(value));
}

/* A transfer between its page and the memory of its own; it takes 100 ms. */
static inline void device_transfer(int fd, bool to_page)
{
	device_set(fd, EDU_SOURCE, to_page ? EDU_MEMORY : DEVICE_IOVA);
	device_set(fd, EDU_TARGET, to_page ? DEVICE_IOVA : EDU_MEMORY);
	device_set(fd, EDU_COUNT, TRANSFER);
	device_set(fd, EDU_COMMAND, EDU_START | (to_page ? EDU_TO_RAM : 0));
}

static inline void device_wait(int fd)
{
	while (device_get(fd, EDU_COMMAND) & EDU_START)
		usleep(1000);
}

/* What it can reach is the second page of @memory, from now on. Returns one word on what is wrong, or NULL. */
static inline const char *device_map(int fd, int iommufd, int memory)
{
	void *page = luo_map(memory, PAGE, PAGE);
	int ioas = iommufd_ioas(iommufd);

	if (page == MAP_FAILED || ioas < 0 || vfio_attach(fd, ioas))
		return "attach";
	return iommufd_map(iommufd, ioas, page, PAGE, DEVICE_IOVA) ? "map" : NULL;
}

/* The device, which nobody has; or a negative errno, as -EBUSY when it came in and its session is damaged. */
static inline int device_open(int *iommufd)
{
	*iommufd = vfio_open_iommufd();
	return *iommufd < 0 ? *iommufd : vfio_open(device_address, *iommufd);
}

/* Let it know what is in its page. */
static inline const char *device_make(int fd, int iommufd, int memory)
{
	const char *wrong = device_map(fd, iommufd, memory);

	if (wrong)
		return wrong;
	if (vfio_set_command(fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER) != 2)
		return "command";
	device_transfer(fd, false);
	device_wait(fd);
	return NULL;
}

static inline bool device_forget(int memory)
{
	char zero[TRANSFER] = "";

	return pwrite(memory, zero, sizeof(zero), PAGE) == sizeof(zero);
}

/* It came in, and is opened. */
static inline const char *device_goes_on(int fd, int iommufd, int memory, __u64 seed)
{
	const char *wrong = device_map(fd, iommufd, memory);

	if (wrong)
		return wrong;
	if (!(vfio_command(fd) & PCI_COMMAND_MASTER))
		return "stopped";
	device_wait(fd);
	if (!luo_filled(memory, PAGE, TRANSFER, seed))
		return "gap";
	device_forget(memory);
	device_transfer(fd, true);
	device_wait(fd);
	return luo_filled(memory, PAGE, TRANSFER, seed) ? "ok" : "dma";
}

/*
 * One word on what has become of it. It can be opened only when there is its memory. If it is lost, what it would have written
 * may be, too.
 */
static inline const char *device_verdict(int fd, int memory, __u64 seed)
{
	static char error[16];
	const char *word;
	int iommufd;

	if (fd < 0) {
		if (memory >= 0 && luo_zero(memory, PAGE, TRANSFER))
			luo_fill(memory, PAGE, TRANSFER, seed);
		snprintf(error, sizeof(error), "E%d", -fd);
		return error;
	}
	if (memory < 0)
		return "ok";
	iommufd = vfio_open_iommufd();
	word = vfio_bind(fd, iommufd) ? "bind" : device_goes_on(fd, iommufd, memory, seed);
	close(iommufd);
	return word;
}

static inline uint16_t device_command(void)
{
	int fd = open(device_path(device_address, "config"), O_RDONLY);
	uint16_t command = 0;

	if (pread(fd, &command, sizeof(command), PCI_COMMAND) < 0)
		command = 0;
	close(fd);
	return command;
}

/* Have it write again, by its registers, whoever has it. */
static inline void device_provoke(volatile uint32_t *registers)
{
	registers[EDU_SOURCE / 4] = EDU_MEMORY;
	registers[EDU_TARGET / 4] = DEVICE_IOVA;
	registers[EDU_COUNT / 4] = TRANSFER;
	registers[EDU_COMMAND / 4] = EDU_START | EDU_TO_RAM;
	while (registers[EDU_COMMAND / 4] & EDU_START)
		usleep(1000);
}

/* May nobody's memory, @size bytes of which are taken for a look, be written to by the device? Not by one that was stopped. */
static inline bool device_is_harmless(size_t size)
{
	const uint16_t works = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	volatile uint32_t *registers;
	bool harmless = false;
	char *memory;
	int fd;

	if ((device_command() & works) != works)
		return true;
	fd = open(device_path(device_address, "resource0"), O_RDWR);
	registers = mmap(NULL, DEVICE_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	close(fd);
	if (registers != MAP_FAILED && memory != MAP_FAILED) {
		device_provoke(registers);
		harmless = !memory[0] && !memcmp(memory, memory + 1, size - 1);
	}
	munmap((void *)registers, DEVICE_BAR_SIZE);
	munmap(memory, size);
	return harmless;
}

#else /* DEVICE */

static const bool has_device;

static inline bool device_find(void)
{
	return true;
}

static inline int device_open(int *iommufd)
{
	*iommufd = -1;
	return -ENODEV;
}

static inline const char *device_make(int fd, int iommufd, int memory)
{
	(void)fd, (void)iommufd, (void)memory;
	return "none";
}

static inline bool device_forget(int memory)
{
	return memory < 0;
}

static inline void device_transfer(int fd, bool to_page)
{
	(void)fd, (void)to_page;
}

static inline const char *device_verdict(int fd, int memory, __u64 seed)
{
	(void)fd, (void)memory, (void)seed;
	return "none";
}

static inline bool device_is_harmless(size_t size)
{
	return size;
}

#endif /* DEVICE */

#endif /* CORRUPT_DEVICE_H */
