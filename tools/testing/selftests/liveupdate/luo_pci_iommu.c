// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of the sample driver for PCI behind an IOMMU. How to run it: luo_update.h;
 * the driver must have bound QEMU's device "edu" at the address EDU and at OTHER, as
 * in "0000:01:00.0". OTHER is never preserved over an update.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/ioctl.h>
#include <linux/reboot.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "luo_update.h"
#include "luo_pci.h"

/* Of the sample driver. */
struct luo_pci_sample_map {
	__s32 fd;
	__u32 reserved;
	__u64 iova;
};

#define LUO_PCI_SAMPLE_MAP	_IOW(0xbb, 0x01, struct luo_pci_sample_map)

#define DEVICES		"devices"
#define EDU_TOKEN	1
#define MEMORY_TOKEN	2
#define VICTIM_TOKEN	3

/* Anywhere, if nothing is to be found at the same physical address. */
#define IOVA		0x10000000U

static int pci_map(int device, int fd, __u64 iova)
{
	struct luo_pci_sample_map map = { .fd = fd, .iova = iova };

	return luo_result(ioctl(device, LUO_PCI_SAMPLE_MAP, &map));
}

/*
 * What a device can reach: a page to write to, filled from @seed, and one to read from,
 * filled from @seed + 1.
 */
static int new_memory(struct __test_metadata *const _metadata, __u64 seed)
{
	int fd = luo_memfd(2 * PAGE, seed);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_fill(fd, PAGE, PAGE, seed + 1));
	return fd;
}

/* Has the device written what it has read to the first page? */
static bool is_written(int fd)
{
	char *pages = luo_map(fd, 0, 2 * PAGE);
	bool written = pages != MAP_FAILED &&
		       !memcmp(pages, pages + PAGE, TRANSFER);

	munmap(pages, 2 * PAGE);
	return written;
}

/* The device copies from the second page to the first. */
static void copy(struct __test_metadata *const _metadata, int edu, __u32 iova)
{
	edu_read(_metadata, edu, iova + PAGE);
	edu_start(_metadata, edu, EDU_MEMORY, iova, EDU_TO_RAM);
	edu_wait(_metadata, edu);
}

static int start_kexec(void)
{
	return luo_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
				  LINUX_REBOOT_MAGIC2,
				  LINUX_REBOOT_CMD_KEXEC, NULL));
}

/* A device must have a domain of its own, which maps memory of the session only. */
TEST_F(prepare, refused)
{
	int session = luo_create(self->dev, "refused"), edu = pci_open("EDU");
	int memory = new_memory(_metadata, 1);

	ASSERT_LE(0, session);
	ASSERT_LE(0, edu);
	EXPECT_EQ(-EOPNOTSUPP, luo_preserve_fd(session, edu, EDU_TOKEN));

	ASSERT_EQ(0, pci_map(edu, memory, IOVA));
	EXPECT_EQ(-EPERM, luo_preserve_fd(session, edu, EDU_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, memory, MEMORY_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, edu, EDU_TOKEN));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(session, pci_open("EDU"), 100));
	copy(_metadata, edu, IOVA);
	EXPECT_TRUE(is_written(memory));

	/* Without the session it is as before. */
	close(session);
	session = luo_create(self->dev, "refused");
	ASSERT_LE(0, session);
	EXPECT_EQ(-EPERM, luo_preserve_fd(session, edu, EDU_TOKEN));
	close(edu);
}

/* Memory of another session may be freed while the device goes on. */
TEST_F(prepare, elsewhere)
{
	int session = luo_create(self->dev, "here"), edu = pci_open("EDU");
	int other = luo_create(self->dev, "there");
	int memory = new_memory(_metadata, 1);

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	ASSERT_LE(0, edu);
	ASSERT_EQ(0, pci_map(edu, memory, IOVA));
	ASSERT_EQ(0, luo_preserve_fd(other, memory, MEMORY_TOKEN));
	EXPECT_EQ(-EPERM, luo_preserve_fd(session, edu, EDU_TOKEN));
}

static void prepare_device(struct __test_metadata *const _metadata, int dev,
			   int *edu, __u32 iova)
{
	int session = luo_create(dev, DEVICES);
	int memory = new_memory(_metadata, 1);

	*edu = pci_open("EDU");
	ASSERT_LE(0, session);
	ASSERT_LE(0, *edu);
	ASSERT_EQ(0, pci_map(*edu, memory, iova));
	ASSERT_EQ(0, luo_preserve_fd(session, memory, MEMORY_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, *edu, EDU_TOKEN));
}

/* Its tables are in use, but nothing is on its way. */
TEST_F(prepare, idle)
{
	int edu;

	prepare_device(_metadata, self->dev, &edu, IOVA);
	copy(_metadata, edu, IOVA);
	luo_hold(_metadata, self->dev);
}

/*
 * Of two transfers that begin right before the kexec and take 100 ms, one is a
 * preserved device's. The address is that of a page of memory that is preserved, and
 * that none of them can reach by it. Does not come back.
 */
TEST_F(prepare, transfer)
{
	int session = luo_create(self->dev, "victim");
	int victim = luo_memfd(PAGE, 8), lost = new_memory(_metadata, 4);
	int edu, other = pci_open("OTHER");
	char *page;
	__u32 iova;

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	page = luo_map(victim, 0, PAGE);
	ASSERT_NE(MAP_FAILED, page);
	iova = luo_frame(page) * PAGE;
	ASSERT_NE(0, iova);
	ASSERT_EQ(0, luo_preserve_fd(session, victim, VICTIM_TOKEN));

	ASSERT_EQ(0, pci_map(other, lost, iova));
	edu_read(_metadata, other, iova + PAGE);
	prepare_device(_metadata, self->dev, &edu, iova);
	edu_read(_metadata, edu, iova + PAGE);

	edu_start(_metadata, other, EDU_MEMORY, iova, EDU_TO_RAM);
	edu_start(_metadata, edu, EDU_MEMORY, iova, EDU_TO_RAM);
	ASSERT_EQ(0, start_kexec());
}

/*
 * Something attaches a PASID to the device, by the command in CHANGE, which also undoes
 * it. A kernel must be loaded.
 */
TEST_F(prepare, changed)
{
	const char *change = getenv("CHANGE") ?: "false";
	int edu;

	prepare_device(_metadata, self->dev, &edu, IOVA);
	ASSERT_EQ(0, system(change));
	EXPECT_EQ(-EIO, start_kexec());
	ASSERT_EQ(0, system(change));
}

/* Without an IOMMU in this kernel. The memory is like what a device has written. */
TEST_F(prepare, untranslated)
{
	int session = luo_create(self->dev, DEVICES), edu = pci_open("EDU");
	int memory = new_memory(_metadata, 1);
	char *pages = luo_map(memory, 0, 2 * PAGE);

	ASSERT_LE(0, session);
	ASSERT_LE(0, edu);
	ASSERT_NE(MAP_FAILED, pages);
	memcpy(pages, pages + PAGE, PAGE);
	ASSERT_EQ(0, luo_preserve_fd(session, memory, MEMORY_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, edu, EDU_TOKEN));
	luo_hold(_metadata, self->dev);
}

static void check_victim(struct __test_metadata *const _metadata, int dev)
{
	int session = luo_retrieve(dev, "victim"), victim;

	ASSERT_LE(0, session);
	victim = luo_retrieve_fd(session, VICTIM_TOKEN);
	ASSERT_LE(0, victim);
	EXPECT_TRUE(luo_filled(victim, 0, PAGE, 8));
	EXPECT_EQ(0, luo_finish(session));
}

/* The transfer was carried out, and the device goes on. */
TEST_F(verify, transfer)
{
	int session = luo_retrieve(self->dev, DEVICES), edu, memory;
	__u32 iova;

	ASSERT_LE(0, session);
	check_victim(_metadata, self->dev);
	memory = luo_retrieve_fd(session, MEMORY_TOKEN);
	ASSERT_LE(0, memory);
	EXPECT_TRUE(is_written(memory));
	EXPECT_EQ(-EBUSY, pci_open("EDU"));
	edu = luo_retrieve_fd(session, EDU_TOKEN);
	ASSERT_LE(0, edu);

	/* It reaches the same memory, also when all is finished. */
	iova = pci_get(_metadata, edu, EDU_TARGET);
	ASSERT_EQ(0, luo_fill(memory, 0, PAGE, 16));
	copy(_metadata, edu, iova);
	EXPECT_TRUE(is_written(memory));
	EXPECT_EQ(0, luo_finish(session));
	ASSERT_EQ(0, luo_fill(memory, 0, PAGE, 32));
	copy(_metadata, edu, iova);
	EXPECT_TRUE(is_written(memory));
	EXPECT_EQ(-EBUSY, pci_map(edu, memory, iova));
}

/* What came in is handed on. Does not come back. */
TEST_F(verify, again)
{
	int session = luo_retrieve(self->dev, DEVICES), edu, memory;
	int next = luo_create(self->dev, "again");
	__u32 iova;

	ASSERT_LE(0, session);
	ASSERT_LE(0, next);
	edu = luo_retrieve_fd(session, EDU_TOKEN);
	ASSERT_LE(0, edu);
	memory = luo_retrieve_fd(session, MEMORY_TOKEN);
	ASSERT_LE(0, memory);
	iova = pci_get(_metadata, edu, EDU_TARGET);
	EXPECT_EQ(0, luo_finish(session));
	ASSERT_EQ(0, luo_preserve_fd(next, memory, MEMORY_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(next, edu, EDU_TOKEN));
	ASSERT_EQ(0, luo_fill(memory, 0, PAGE, 16));
	edu_start(_metadata, edu, EDU_MEMORY, iova, EDU_TO_RAM);
	ASSERT_EQ(0, start_kexec());
}

/* The registers of EDU, which are open to nobody else. */
static __u32 *map_registers(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0",
		 getenv("EDU") ?: "");
	fd = open(path, O_RDWR | O_CLOEXEC);
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Write to where the device was told to write last. */
static void write_again(__u32 *registers)
{
	__u32 *command = registers + EDU_COMMAND / 4;

	__atomic_store_n(command, EDU_TO_RAM | EDU_START, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(command, __ATOMIC_SEQ_CST) & EDU_START)
		usleep(1000);
}

static void set_master(struct __test_metadata *const _metadata)
{
	__u16 command;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config",
		 getenv("EDU") ?: "");
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(sizeof(command), pread(fd, &command, sizeof(command), 4));
	EXPECT_EQ(0, command & 4);
	command |= 4;
	ASSERT_EQ(sizeof(command), pwrite(fd, &command, sizeof(command), 4));
	close(fd);
}

/*
 * Nobody asks for the device, and it is stopped. If it was started again it would not
 * find its memory any more, also where the IOMMU has kept the address in mind.
 */
TEST_F(verify, forgotten)
{
	int session = luo_retrieve(self->dev, "again"), memory;
	__u32 *registers = map_registers();

	ASSERT_LE(0, session);
	ASSERT_NE(MAP_FAILED, registers);
	memory = luo_retrieve_fd(session, MEMORY_TOKEN);
	ASSERT_LE(0, memory);
	EXPECT_TRUE(is_written(memory));
	ASSERT_EQ(0, luo_fill(memory, 0, PAGE, 32));
	write_again(registers);
	EXPECT_TRUE(is_written(memory));
	EXPECT_EQ(0, luo_finish(session));

	ASSERT_EQ(0, luo_fill(memory, 0, PAGE, 32));
	set_master(_metadata);
	write_again(registers);
	EXPECT_FALSE(is_written(memory));
}

/* The device was stopped, and is lost. Its memory is not. */
TEST_F(verify, lost)
{
	int session = luo_retrieve(self->dev, DEVICES), memory;

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENODEV, luo_retrieve_fd(session, EDU_TOKEN));
	memory = luo_retrieve_fd(session, MEMORY_TOKEN);
	ASSERT_LE(0, memory);
	EXPECT_TRUE(is_written(memory));
	EXPECT_EQ(0, luo_finish(session));
}

/* It can be used afresh. */
TEST_F(verify, afresh)
{
	int edu = pci_open("EDU"), memory = new_memory(_metadata, 1);

	ASSERT_LE(0, edu);
	ASSERT_EQ(0, pci_map(edu, memory, IOVA));
	copy(_metadata, edu, IOVA);
	EXPECT_TRUE(is_written(memory));
}

TEST_HARNESS_MAIN
