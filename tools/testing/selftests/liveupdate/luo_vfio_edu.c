// SPDX-License-Identifier: GPL-2.0
/*
 * A simple device behind an IOMMU. It has MSI, and no MSI-X: nothing remembers an
 * interrupt that is pending while MSI is off. And it is pulled. How to run it:
 * luo_update.h. QEMU's "edu" is at the address EDU, as in "0000:01:00.0", and vfio-pci
 * has bound it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/syscall.h>

#include "luo_pci.h"
#include "luo_update.h"
#include "luo_vfio.h"

#define SESSION		"edu"
#define MEMORY_TOKEN	1
#define EDU_TOKEN	2
#define IOVA		0x100000ULL
#define RETRIEVED	"/tmp/retrieved"	/* the file that scripts wait for */

#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64
#define EDU_IRQ_DMA	0x100		/* the status after a transfer ... */
#define EDU_WITH_IRQ	4		/* ... with this in its command */

static uint32_t get(int device, off_t at)
{
	uint32_t value = ~0;

	vfio_read(device, VFIO_PCI_BAR0_REGION_INDEX, at, &value, sizeof(value));
	return value;
}

static void set(int device, off_t at, uint32_t value)
{
	vfio_write(device, VFIO_PCI_BAR0_REGION_INDEX, at, &value, sizeof(value));
}

static void map_memory(struct __test_metadata *const _metadata, int device,
		       int iommufd, int memory)
{
	void *page = luo_map(memory, 0, PAGE);
	int ioas = iommufd_ioas(iommufd);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_LT(0, ioas);
	ASSERT_EQ(0, vfio_attach(device, ioas));
	ASSERT_EQ(0, iommufd_map(iommufd, ioas, page, PAGE, IOVA));
}

/* The user is told of interrupts by the result. */
static int set_msi(struct __test_metadata *const _metadata, int device)
{
	int fd = vfio_eventfd();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vfio_set_irqs(device, VFIO_PCI_MSI_IRQ_INDEX, &fd, 1));
	return fd;
}

static void expect_interrupt(struct __test_metadata *const _metadata, int device,
			     int eventfd)
{
	set(device, EDU_IRQ_RAISE, 1);
	while (!vfio_events(eventfd))
		usleep(1000);
	EXPECT_EQ(1, get(device, EDU_IRQ_STATUS));
	set(device, EDU_IRQ_ACK, 1);
}

/*
 * An interrupt is pending when the kernel is replaced, or comes in the gap. Does not come
 * back.
 */
TEST_F(prepare, msi)
{
	int session = luo_create(self->dev, SESSION), memory = luo_memfd(PAGE, 1);
	int iommufd = vfio_open_iommufd(), device, eventfd;

	ASSERT_LE(0, session);
	ASSERT_LE(0, memory);
	device = vfio_open(getenv("EDU") ?: "", iommufd);
	ASSERT_LE(0, device);
	map_memory(_metadata, device, iommufd, memory);
	ASSERT_EQ(2, vfio_set_command(device, PCI_COMMAND_MEMORY |
					      PCI_COMMAND_MASTER));
	eventfd = set_msi(_metadata, device);
	expect_interrupt(_metadata, device, eventfd);
	EXPECT_EQ(0, get(device, EDU_IRQ_STATUS));

	ASSERT_EQ(0, luo_preserve_fd(session, memory, MEMORY_TOKEN));
	ASSERT_EQ(0, luo_preserve_fd(session, device, EDU_TOKEN));
	set(device, EDU_SOURCE, EDU_MEMORY);
	set(device, EDU_TARGET, IOVA);
	set(device, EDU_COUNT, TRANSFER);
	set(device, EDU_COMMAND, EDU_TO_RAM | EDU_WITH_IRQ | EDU_START);
	ASSERT_EQ(0, luo_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
					LINUX_REBOOT_MAGIC2,
					LINUX_REBOOT_CMD_KEXEC, NULL)));
}

/* One event stands for what nobody has told of; others are told of as ever. */
TEST_F(verify, msi)
{
	int session = luo_retrieve(self->dev, SESSION), memory;
	int iommufd = vfio_open_iommufd(), device, eventfd;

	ASSERT_LE(0, session);
	memory = luo_retrieve_fd(session, MEMORY_TOKEN);
	device = luo_retrieve_fd(session, EDU_TOKEN);
	ASSERT_LE(0, memory);
	ASSERT_LE(0, device);
	ASSERT_EQ(0, vfio_bind(device, iommufd));
	map_memory(_metadata, device, iommufd, memory);
	EXPECT_EQ(EDU_IRQ_DMA, get(device, EDU_IRQ_STATUS));

	eventfd = set_msi(_metadata, device);
	EXPECT_EQ(1, vfio_events(eventfd));
	set(device, EDU_IRQ_ACK, EDU_IRQ_DMA);
	expect_interrupt(_metadata, device, eventfd);
	ASSERT_EQ(0, luo_finish(session));
	expect_interrupt(_metadata, device, eventfd);
	EXPECT_EQ(0, vfio_events(eventfd));
}

/*
 * It has a fatal error when its file has been retrieved, which the script does when it
 * sees the file. To open it would reset it; it can be opened when it is finished.
 */
TEST_F(verify, lost)
{
	int session = luo_retrieve(self->dev, SESSION);
	int iommufd = vfio_open_iommufd(), device;

	ASSERT_LE(0, session);
	device = luo_retrieve_fd(session, EDU_TOKEN);
	ASSERT_LE(0, device);
	close(creat(RETRIEVED, 0600));
	while (!access(RETRIEVED, F_OK))
		usleep(1000);
	EXPECT_EQ(-EIO, vfio_bind(device, iommufd));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, vfio_bind(device, iommufd));
}

/*
 * Its tables are taken over, but not its memory, for it is pulled, which the script does
 * when it sees the file. Then nothing keeps the session.
 */
TEST_F(verify, pulled)
{
	int session = luo_retrieve(self->dev, SESSION), err;
	int iommufd = vfio_open_iommufd(), device;

	ASSERT_LE(0, session);
	device = luo_retrieve_fd(session, EDU_TOKEN);
	ASSERT_LE(0, device);
	ASSERT_EQ(0, vfio_bind(device, iommufd));
	ASSERT_EQ(0, vfio_attach(device, iommufd_ioas(iommufd)));
	EXPECT_EQ(-EBUSY, luo_finish(session));
	close(creat(RETRIEVED, 0600));
	do
		err = luo_finish(session);
	while (err == -EBUSY && !usleep(1000));
	EXPECT_EQ(0, err);
}

TEST_HARNESS_MAIN
