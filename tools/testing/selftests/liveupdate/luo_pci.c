// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of the sample driver for PCI, samples/liveupdate/luo_pci_driver.c. How
 * to run it: luo_update.h; the driver must have bound QEMU's devices "igb" at the
 * address IGB, and "edu" at EDU and at OTHER, as in "0000:01:00.0", and a virtual
 * function at VF. OTHER is never preserved over an update.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/reboot.h>
#include <sys/syscall.h>

#include "luo_update.h"
#include "luo_pci.h"

/* A register of igb that a reset clears, and that does nothing by itself. */
#define IGB_RDBAL	0x2800
#define IGB_VALUE	0x12345000

#define DEVICES		"devices"
#define IGB_TOKEN	1
#define EDU_TOKEN	2
#define TARGET_TOKEN	3
#define VICTIM_TOKEN	4

/* The first page of a memfd as the device sees it, below 4 GiB. */
static uint32_t bus_address(struct __test_metadata *const _metadata, int fd)
{
	char *page = luo_map(fd, 0, PAGE);
	__u64 frame;

	ASSERT_NE(MAP_FAILED, page);
	frame = luo_frame(page);
	ASSERT_NE(0, frame);
	ASSERT_GT(1ULL << 32, (frame + 1) * PAGE);
	return frame * PAGE;
}

/* Fill edu's memory with what luo_fill() writes of @seed. */
static void load_edu(struct __test_metadata *const _metadata, int edu,
		     __u64 seed)
{
	int fd = luo_memfd(PAGE, seed);

	ASSERT_LE(0, fd);
	edu_read(_metadata, edu, bus_address(_metadata, fd));
	close(fd);
}

/* Both devices are in use, and cannot be preserved twice. */
TEST_F(prepare, registers)
{
	int session = luo_create(self->dev, DEVICES);
	int igb = pci_open("IGB"), edu = pci_open("EDU");

	ASSERT_LE(0, session);
	ASSERT_LE(0, igb);
	ASSERT_LE(0, edu);
	ASSERT_EQ(0, luo_preserve_fd(session, igb, IGB_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, edu, EDU_TOKEN));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(session, pci_open("EDU"), 100));

	pci_set(_metadata, igb, IGB_RDBAL, IGB_VALUE);
	EXPECT_EQ(IGB_VALUE, pci_get(_metadata, igb, IGB_RDBAL));
	pci_set(_metadata, edu, EDU_LIVENESS, 0x12345678);
	close(igb);
	close(edu);
	luo_hold(_metadata, self->dev);
}

static bool set_driver(const char *name, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/luo_pci_sample/%s", file);
	return luo_write_text(path, getenv(name) ?: "");
}

static int start_kexec(void)
{
	return luo_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
				  LINUX_REBOOT_MAGIC2,
				  LINUX_REBOOT_CMD_KEXEC, NULL));
}

/* A virtual function is nothing without its physical one. */
TEST_F(prepare, virtual)
{
	int session = luo_create(self->dev, "virtual"), vf = pci_open("VF");

	ASSERT_LE(0, session);
	ASSERT_LE(0, vf);
	EXPECT_EQ(-EOPNOTSUPP, luo_preserve_fd(session, vf, 1));
}

/* A device that has lost its driver cannot go on. */
TEST_F(prepare, unbound)
{
	int session = luo_create(self->dev, "lost"), other = pci_open("OTHER");

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, luo_preserve_fd(session, other, 1));
	ASSERT_TRUE(set_driver("OTHER", "unbind"));
	EXPECT_EQ(-EIO, start_kexec());
	ASSERT_TRUE(set_driver("OTHER", "bind"));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(session, pci_open("OTHER"), 2));
	EXPECT_EQ(-EIO, start_kexec());
	close(session);

	session = luo_create(self->dev, "lost");
	EXPECT_EQ(0, luo_preserve_fd(session, pci_open("OTHER"), 1));
	close(session);
}

/* Any device that the driver has bound, in a session of the same name. */
TEST_F(prepare, other)
{
	int session = luo_create(self->dev, getenv("OTHER") ?: "");
	int other = pci_open("OTHER");

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, luo_preserve_fd(session, other, 1));
	close(other);
	luo_hold(_metadata, self->dev);
}

/* The kernel that is loaded does not take devices over. */
TEST_F(prepare, untaken)
{
	int session = luo_create(self->dev, "untaken"), edu = pci_open("EDU");
	int memory = luo_memfd(PAGE, 1);

	ASSERT_LE(0, session);
	ASSERT_LE(0, edu);
	EXPECT_EQ(-EOPNOTSUPP, luo_preserve_fd(session, edu, EDU_TOKEN));
	EXPECT_EQ(0, luo_preserve_fd(session, memory, TARGET_TOKEN));
}

/* It was loaded after they were preserved. */
TEST_F(prepare, untaken_late)
{
	EXPECT_EQ(-EOPNOTSUPP, start_kexec());
}

/* The same without a session. */
TEST_F(prepare, nothing)
{
	int igb = pci_open("IGB");

	ASSERT_LE(0, igb);
	pci_set(_metadata, igb, IGB_RDBAL, IGB_VALUE);
	EXPECT_EQ(IGB_VALUE, pci_get(_metadata, igb, IGB_RDBAL));
}

TEST_F(verify, nothing)
{
	int igb = pci_open("IGB");

	ASSERT_LE(0, igb);
	EXPECT_NE(IGB_VALUE, pci_get(_metadata, igb, IGB_RDBAL));
}

/* What a session holds is not to be had in another way. */
TEST_F(verify, registers)
{
	int session = luo_retrieve(self->dev, DEVICES);
	int igb, edu;

	ASSERT_LE(0, session);
	EXPECT_EQ(-EBUSY, pci_open("IGB"));
	igb = luo_retrieve_fd(session, IGB_TOKEN);
	ASSERT_LE(0, igb);
	edu = luo_retrieve_fd(session, EDU_TOKEN);
	ASSERT_LE(0, edu);
	EXPECT_EQ(IGB_VALUE, pci_get(_metadata, igb, IGB_RDBAL));
	EXPECT_EQ(0xedcba987, pci_get(_metadata, edu, EDU_LIVENESS));

	EXPECT_EQ(0, luo_finish(session));
	close(igb);
	close(edu);
	EXPECT_LE(0, pci_open("IGB"));
}

/* Nobody knows what the files are while the driver is not there: all remains. */
TEST_F(verify, unhandled)
{
	int session = luo_retrieve(self->dev, DEVICES);

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, IGB_TOKEN));
	EXPECT_EQ(-EBUSY, luo_finish(session));
}

/* The driver is not bound yet. */
TEST_F(verify, unbound)
{
	int session = luo_retrieve(self->dev, DEVICES);

	ASSERT_LE(0, session);
	EXPECT_EQ(-EAGAIN, luo_retrieve_fd(session, IGB_TOKEN));
	EXPECT_EQ(0, luo_finish(session));
}

/* Its device was not in the list, or is not where the file says. */
TEST_F(verify, damaged)
{
	int session = luo_retrieve(self->dev, DEVICES);

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENODEV, luo_retrieve_fd(session, EDU_TOKEN));
	EXPECT_EQ(0, luo_finish(session));
}

/* One device was lost when it was too late to call the kexec off. */
TEST_F(verify, dropped)
{
	int session = luo_retrieve(self->dev, DEVICES);

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENODEV, luo_retrieve_fd(session, IGB_TOKEN));
	EXPECT_LE(0, luo_retrieve_fd(session, EDU_TOKEN));
	EXPECT_EQ(0, luo_finish(session));
}

/* One device had an error during the update, and the other one is gone. */
TEST_F(verify, lost)
{
	int session = luo_retrieve(self->dev, DEVICES);

	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, IGB_TOKEN));
	EXPECT_EQ(-ENODEV, luo_retrieve_fd(session, EDU_TOKEN));
	EXPECT_EQ(0, luo_finish(session));
}

/* Both were stopped, since nobody knew which memory they use. */
TEST_F(verify, stopped)
{
	int session = luo_retrieve(self->dev, DEVICES);

	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, IGB_TOKEN));
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, EDU_TOKEN));
	EXPECT_EQ(0, luo_finish(session));
}

/* It was reset while no kernel ran. */
TEST_F(verify, replaced)
{
	int session = luo_retrieve(self->dev, getenv("OTHER") ?: "");

	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));
}

/*
 * Of two transfers that begin right before the kexec and take 100 ms, one is a
 * preserved device's. Does not come back.
 */
TEST_F(prepare, transfer)
{
	int session = luo_create(self->dev, DEVICES);
	int target = luo_memfd(PAGE, 1), victim = luo_memfd(PAGE, 1);
	int edu = pci_open("EDU"), other = pci_open("OTHER");
	uint32_t to, to_other;

	ASSERT_LE(0, session);
	ASSERT_LE(0, edu);
	ASSERT_LE(0, other);
	load_edu(_metadata, edu, 2);
	load_edu(_metadata, other, 2);
	to = bus_address(_metadata, target);
	to_other = bus_address(_metadata, victim);
	ASSERT_EQ(0, luo_preserve_fd(session, target, TARGET_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, victim, VICTIM_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, edu, EDU_TOKEN));

	edu_start(_metadata, other, EDU_MEMORY, to_other, EDU_TO_RAM);
	edu_start(_metadata, edu, EDU_MEMORY, to, EDU_TO_RAM);
	ASSERT_EQ(0, start_kexec());
}

TEST_F(verify, transfer)
{
	int session = luo_retrieve(self->dev, DEVICES);
	int edu, target, victim;

	ASSERT_LE(0, session);
	edu = luo_retrieve_fd(session, EDU_TOKEN);
	ASSERT_LE(0, edu);
	EXPECT_EQ(0, pci_get(_metadata, edu, EDU_COMMAND) & EDU_START);

	target = luo_retrieve_fd(session, TARGET_TOKEN);
	ASSERT_LE(0, target);
	EXPECT_TRUE(luo_filled(target, 0, TRANSFER, 2));
	EXPECT_TRUE(luo_filled(target, TRANSFER, PAGE - TRANSFER, 1));
	victim = luo_retrieve_fd(session, VICTIM_TOKEN);
	ASSERT_LE(0, victim);
	EXPECT_TRUE(luo_filled(victim, 0, PAGE, 1));
	EXPECT_EQ(0, luo_finish(session));
}

TEST_HARNESS_MAIN
