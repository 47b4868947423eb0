// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine monitor's worth of a network card: frames come in all the time,
 * to memory that is preserved, also while the kernel is replaced. How to run it:
 * luo_update.h. QEMU's "igb" is at the address IGB, as in "0000:01:00.0", and
 * unless said otherwise vfio-pci has bound it. Its peer is tests/frames.pl. IOMMU
 * is 1 if it is behind an IOMMU.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/reboot.h>
#include <sys/syscall.h>

#include "luo_hugetlb.h"
#include "luo_igb.h"
#include "luo_test.h"

#define SESSION		"card"
#define MEMORY_TOKEN	1
#define CARD_TOKEN	2
#define HUGE_TOKEN	3

/* Not told from what comes in between the last look and the end of the kernel. */
#define FEW		10
#define VECTORS		3
#define IOVA		0x100000000ULL
#define HUGE_SIZE	(2UL << 20)
#define HUGE_IOVA	(4 * IOVA)

static const char *address(void)
{
	return getenv("IGB") ?: "";
}

static int start_kexec(void)
{
	return luo_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
				  LINUX_REBOOT_MAGIC2,
				  LINUX_REBOOT_CMD_KEXEC, NULL));
}

static bool has_iommu(void)
{
	return luo_param("IOMMU", 0);
}

static void map_memory(struct __test_metadata *const _metadata, struct igb *igb,
		       int memory)
{
	ASSERT_LE(0, memory);
	igb->iova = has_iommu() ? IOVA : 0;
	igb->memory = luo_map(memory, 0, IGB_PAGES * PAGE);
	ASSERT_NE(MAP_FAILED, igb->memory);
	ASSERT_EQ(0, mlock(igb->memory, IGB_PAGES * PAGE));
	ASSERT_NE(0, igb_address(igb, 0));
}

/* Let the card reach its memory, and nothing else. */
static int map_for_card(struct igb *igb)
{
	return iommufd_map(igb->iommufd, igb->ioas, igb->memory,
			   IGB_PAGES * PAGE, IOVA);
}

/* Without memory at first. */
static void attach_card(struct __test_metadata *const _metadata, struct igb *igb)
{
	igb->ioas = iommufd_ioas(igb->iommufd);
	ASSERT_LT(0, igb->ioas);
	ASSERT_EQ(0, vfio_attach(igb->device, igb->ioas));
}

/*
 * A card at work, with vectors. Its memory is preserved first: that keeps pages
 * where they are, which nothing else does without an IOMMU.
 */
static int start_card(struct __test_metadata *const _metadata, struct igb *igb,
		      int dev, int *eventfds)
{
	int memory = luo_result(memfd_create("card", MFD_CLOEXEC));
	int session = luo_create(dev, SESSION);

	ASSERT_LE(0, memory);
	ASSERT_LE(0, session);
	ASSERT_EQ(0, ftruncate(memory, IGB_PAGES * PAGE));
	ASSERT_EQ(0, luo_preserve_fd(session, memory, MEMORY_TOKEN));
	map_memory(_metadata, igb, memory);
	igb->iommufd = vfio_open_iommufd();
	ASSERT_LE(0, igb->iommufd);
	igb->device = vfio_open(address(), igb->iommufd);
	ASSERT_LE(0, igb->device);
	if (has_iommu()) {
		attach_card(_metadata, igb);
		ASSERT_EQ(0, map_for_card(igb));
	}
	ASSERT_EQ(2, vfio_set_command(igb->device,
				      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
	for (int i = 0; i < VECTORS; i++) {
		eventfds[i] = vfio_eventfd();
		ASSERT_LE(0, eventfds[i]);
	}
	ASSERT_EQ(0, vfio_set_vectors(igb->device, eventfds, VECTORS));
	igb_start(igb);
	return session;
}

/* The numbers of frames are in a row, up to but without the one in @end. */
static void expect_no_loss(struct __test_metadata *const _metadata,
			   struct igb *igb, int end)
{
	int lost = 0;

	EXPECT_NE(0, igb_number(igb, 0));
	for (int i = 1; i < end; i++)
		lost += igb_number(igb, i) - igb_number(igb, i - 1) - 1;
	EXPECT_EQ(0, lost);
}

/* Does not come back. */
static void update(struct __test_metadata *const _metadata, struct igb *igb)
{
	while (igb_count(igb, 0) < FEW)
		usleep(1000);
	igb_note(igb)->at_reboot = igb_count(igb, 0);
	igb_note(igb)->ticks = igb_ticks();
	ASSERT_EQ(0, start_kexec());
}

/* What stands for no device, or for one that is not open, is not preserved. */
TEST_F(prepare, others)
{
	int session = luo_create(self->dev, "others");
	int unopened = has_iommu() ? vfio_open_cdev(address()) :
				     vfio_open_group(address());

	ASSERT_LE(0, session);
	ASSERT_LE(0, unopened);
	EXPECT_EQ(has_iommu() ? -EINVAL : -ENOENT,
		  luo_preserve_fd(session, unopened, 1));
	EXPECT_EQ(-ENOENT, luo_preserve_fd(session, vfio_open_iommufd(), 2));
}

/* Memory that one entry of the tables is for. */
static void map_huge_page(struct __test_metadata *const _metadata,
			  struct igb *igb, int session)
{
	int huge = huge_memfd(HUGE_SIZE, HUGE_SIZE);
	void *memory;

	ASSERT_LE(0, huge);
	memory = luo_map(huge, 0, HUGE_SIZE);
	ASSERT_NE(MAP_FAILED, memory);
	ASSERT_EQ(0, iommufd_map(igb->iommufd, igb->ioas, memory, HUGE_SIZE,
				 HUGE_IOVA));
	ASSERT_EQ(0, luo_preserve_fd(session, huge, HUGE_TOKEN));
}

TEST_F(prepare, card)
{
	int eventfds[VECTORS], session;
	struct igb igb;

	session = start_card(_metadata, &igb, self->dev, eventfds);
	if (has_iommu())
		map_huge_page(_metadata, &igb, session);
	ASSERT_EQ(0, luo_preserve_fd(session, igb.device, CARD_TOKEN));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(session, igb.device, 100));
	EXPECT_EQ(-EBUSY, vfio_reset(igb.device));

	if (has_iommu()) {
		EXPECT_EQ(-EBUSY, vfio_detach(igb.device));
		EXPECT_EQ(-EBUSY, vfio_attach(igb.device,
					      iommufd_ioas(igb.iommufd)));
		EXPECT_EQ(-EBUSY, iommufd_map(igb.iommufd, igb.ioas, igb.memory,
					      PAGE, 2 * IOVA));
		EXPECT_EQ(-EBUSY, iommufd_unmap(igb.iommufd, igb.ioas,
						IGB_PAGES * PAGE, IOVA));
	}

	while (!vfio_events(eventfds[0]))
		usleep(1000);
	EXPECT_EQ(0, vfio_events(eventfds[1]));
	update(_metadata, &igb);
}

/* A card that can reach other memory cannot go on. */
TEST_F(prepare, stranger)
{
	int eventfds[VECTORS], session;
	struct igb igb;
	void *other;

	session = start_card(_metadata, &igb, self->dev, eventfds);
	other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(0, iommufd_map(igb.iommufd, igb.ioas, other, PAGE, 2 * IOVA));
	EXPECT_EQ(-EPERM, luo_preserve_fd(session, igb.device, CARD_TOKEN));
	EXPECT_EQ(0, iommufd_unmap(igb.iommufd, igb.ioas, PAGE, 2 * IOVA));
	EXPECT_EQ(0, luo_preserve_fd(session, igb.device, CARD_TOKEN));
}

/* A kexec that is called off late: meanwhile the card is of no use. */
TEST_F(prepare, frozen)
{
	int eventfds[VECTORS], session, sleeper, status;
	uint16_t command;
	struct igb igb;
	pid_t pid, ended;

	session = start_card(_metadata, &igb, self->dev, eventfds);
	ASSERT_EQ(0, luo_preserve_fd(session, igb.device, CARD_TOKEN));
	sleeper = luo_data_file(_metadata, "", "sleep freeze");
	ASSERT_EQ(0, luo_preserve_fd(session, sleeper, 3));
	ASSERT_EQ(0, luo_preserve_fd(session, luo_data_file(_metadata, "",
							    "fail freeze"), 4));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(start_kexec() != -EIO);

	while (vfio_read(igb.device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND,
			 &command, sizeof(command)) != -EBUSY)
		usleep(1000);
	EXPECT_EQ(-EBUSY, vfio_reset(igb.device));
	/* The file may not sleep yet. */
	while (!(ended = waitpid(pid, &status, WNOHANG))) {
		luo_tell_all(_metadata, "wake");
		usleep(1000);
	}
	ASSERT_EQ(pid, ended);
	EXPECT_EQ(0, status);
	EXPECT_TRUE(vfio_command(igb.device) & PCI_COMMAND_MASTER);
}

/* A card that is preserved, and could sleep otherwise, until something happens to it. */
TEST_F(prepare, held)
{
	int session = luo_create(self->dev, SESSION);
	struct igb igb = { .iommufd = vfio_open_iommufd() };

	ASSERT_LE(0, session);
	igb.device = vfio_open(address(), igb.iommufd);
	ASSERT_LE(0, igb.device);
	ASSERT_EQ(0, vfio_may_sleep(igb.device));
	ASSERT_EQ(0, luo_preserve_fd(session, igb.device, CARD_TOKEN));
	close(igb.device);
	luo_hold(_metadata, self->dev);
}

/* A device that does nothing but master the bus. */
static void preserve_idle(struct __test_metadata *const _metadata, int dev,
			  const char *session_name, const char *device_address)
{
	int session = luo_create(dev, session_name);
	int device = vfio_open(device_address, vfio_open_iommufd());

	ASSERT_LE(0, session);
	ASSERT_LE(0, device);
	ASSERT_EQ(2, vfio_set_command(device, PCI_COMMAND_MEMORY |
					      PCI_COMMAND_MASTER));
	luo_give(_metadata, session, device, CARD_TOKEN);
}

TEST_F(prepare, two)
{
	preserve_idle(_metadata, self->dev, SESSION, address());
	preserve_idle(_metadata, self->dev, "edu", getenv("EDU") ?: "");
	luo_hold(_metadata, self->dev);
}

/* The card's file is damaged. Which device it was of shows when one is left. */
TEST_F(verify, two)
{
	int session = luo_retrieve(self->dev, SESSION);
	int other = luo_retrieve(self->dev, "edu"), edu;

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENODEV, luo_retrieve_fd(session, CARD_TOKEN));
	EXPECT_EQ(-EBUSY, luo_finish(session));
	EXPECT_EQ(-EBUSY, luo_finish(other));
	edu = luo_retrieve_fd(other, CARD_TOKEN);
	ASSERT_LE(0, edu);
	EXPECT_EQ(0, luo_finish(session));
	ASSERT_EQ(0, vfio_bind(edu, vfio_open_iommufd()));
	EXPECT_TRUE(vfio_command(edu) & PCI_COMMAND_MASTER);
	EXPECT_EQ(0, luo_finish(other));
}

/* One that is in no session, so that unbinding it waits for the end of this. */
TEST_F(prepare, opened)
{
	int device = vfio_open(address(), vfio_open_iommufd());

	ASSERT_LE(0, device);
	luo_hold(_metadata, self->dev);
}

/* The same without the card. */
TEST_F(prepare, nothing)
{
	int eventfds[VECTORS];
	struct igb igb;

	start_card(_metadata, &igb, self->dev, eventfds);
	update(_metadata, &igb);
}

TEST_F(verify, nothing)
{
	int session = luo_retrieve(self->dev, SESSION), count;
	struct igb igb;

	ASSERT_LE(0, session);
	map_memory(_metadata, &igb, luo_retrieve_fd(session, MEMORY_TOKEN));
	count = igb_count(&igb, 0);
	ASSERT_GT(ROOM, count);
	sleep(1);
	EXPECT_EQ(count, igb_count(&igb, 0));
}

/* Nothing has touched the card yet, and no driver has bound it. */
TEST_F(verify, gap)
{
	int session = luo_retrieve(self->dev, SESSION), count;
	struct igb_note *note;
	struct igb igb;

	ASSERT_LE(0, session);
	map_memory(_metadata, &igb, luo_retrieve_fd(session, MEMORY_TOKEN));
	note = igb_note(&igb);
	note->at_boot = igb_count(&igb, 0);
	TH_LOG("%d frames at reboot, %d at boot, %llu ticks later",
	       note->at_reboot, note->at_boot,
	       (unsigned long long)(igb_ticks() - note->ticks));
	EXPECT_LE(note->at_reboot + FEW, note->at_boot);
	while (igb_count(&igb, 0) < ROOM && igb_count(&igb, 0) <= note->at_boot)
		usleep(1000);
	count = igb_count(&igb, 0);
	expect_no_loss(_metadata, &igb, count);

	EXPECT_EQ(-EAGAIN, luo_retrieve_fd(session, CARD_TOKEN));
	EXPECT_EQ(-EBUSY, luo_finish(session));
}

/* Vectors are told of once, as long as the session is not finished. */
static void expect_events(struct __test_metadata *const _metadata,
			  struct igb *igb, int expected)
{
	int eventfds[VECTORS];

	for (int i = 0; i < VECTORS; i++)
		eventfds[i] = vfio_eventfd();
	ASSERT_EQ(0, vfio_set_vectors(igb->device, eventfds, VECTORS));
	/* Frames come in meanwhile. */
	EXPECT_LE(expected, vfio_events(eventfds[0]));
	for (int i = 1; i < VECTORS; i++)
		EXPECT_EQ(expected, vfio_events(eventfds[i]));
}

/* An entry of the tables cannot be taken over in part. */
static void take_huge_page_over(struct __test_metadata *const _metadata,
				struct igb *igb, int session)
{
	int huge = luo_retrieve_fd(session, HUGE_TOKEN);
	char *memory;

	ASSERT_LE(0, huge);
	memory = luo_map(huge, 0, HUGE_SIZE);
	ASSERT_NE(MAP_FAILED, memory);
	EXPECT_EQ(-EBUSY, iommufd_map(igb->iommufd, igb->ioas, memory,
				      HUGE_SIZE / 2, HUGE_IOVA));
	EXPECT_EQ(-EBUSY, iommufd_map(igb->iommufd, igb->ioas,
				      memory + HUGE_SIZE / 2, HUGE_SIZE / 2,
				      HUGE_IOVA + HUGE_SIZE / 2));
	EXPECT_EQ(0, iommufd_map(igb->iommufd, igb->ioas, memory, HUGE_SIZE,
				 HUGE_IOVA));
}

/*
 * Tables without memory take over what the card came in with, piece by piece. They are
 * those that it is attached to, and no others. Nothing is lost by asking for another
 * thing first.
 */
static void take_tables_over(struct __test_metadata *const _metadata,
			     struct igb *igb, int session, uint32_t id)
{
	const size_t half = IGB_PAGES / 2 * PAGE;
	int others = iommufd_tables(igb->iommufd, id,
				    iommufd_ioas(igb->iommufd));

	ASSERT_LT(0, others);
	EXPECT_EQ(-EBUSY, vfio_attach(igb->device, others));
	igb->ioas = iommufd_ioas(igb->iommufd);
	ASSERT_LT(0, igb->ioas);
	ASSERT_EQ(0, iommufd_map(igb->iommufd, igb->ioas, igb->memory, PAGE,
				 IOVA + PAGE));
	EXPECT_EQ(-EBUSY, vfio_attach(igb->device, igb->ioas));
	ASSERT_EQ(0, iommufd_unmap(igb->iommufd, igb->ioas, PAGE, IOVA + PAGE));
	ASSERT_EQ(0, vfio_attach(igb->device, igb->ioas));

	EXPECT_EQ(-EBUSY, luo_finish(session));
	EXPECT_EQ(-EBUSY, iommufd_map(igb->iommufd, igb->ioas,
				      igb->memory + PAGE, PAGE, IOVA));
	EXPECT_EQ(-EBUSY, iommufd_map(igb->iommufd, igb->ioas, igb->memory,
				      IGB_PAGES * PAGE, IOVA - PAGE));
	EXPECT_EQ(-EBUSY, iommufd_map_as(igb->iommufd, igb->ioas, igb->memory,
					 half, IOVA, IOMMU_IOAS_MAP_READABLE));
	EXPECT_EQ(0, iommufd_map(igb->iommufd, igb->ioas, igb->memory, half,
				 IOVA));
	EXPECT_EQ(-EBUSY, luo_finish(session));
	EXPECT_EQ(0, iommufd_map(igb->iommufd, igb->ioas, igb->memory + half,
				 IGB_PAGES * PAGE - half, IOVA + half));
	EXPECT_EQ(-EBUSY, luo_finish(session));
	take_huge_page_over(_metadata, igb, session);
}

/* The card belongs to who retrieves it, goes on, and goes on again. */
TEST_F(verify, card)
{
	int session = luo_retrieve(self->dev, SESSION), memory, count;
	struct igb igb;
	uint32_t id;

	ASSERT_LE(0, session);
	igb.iommufd = vfio_open_iommufd();
	ASSERT_LE(0, igb.iommufd);
	EXPECT_EQ(-EBUSY, vfio_open(address(), igb.iommufd));
	memory = luo_retrieve_fd(session, MEMORY_TOKEN);
	map_memory(_metadata, &igb, memory);
	igb.device = luo_retrieve_fd(session, CARD_TOKEN);
	ASSERT_LE(0, igb.device);
	EXPECT_EQ(-EBUSY, vfio_open(address(), igb.iommufd));
	EXPECT_EQ(-EINVAL, vfio_reset(igb.device));

	ASSERT_EQ(0, vfio_bind_id(igb.device, igb.iommufd, &id));
	EXPECT_EQ(-EINVAL, vfio_bind(igb.device, igb.iommufd));
	EXPECT_EQ(-EBUSY, vfio_open(address(), igb.iommufd));
	EXPECT_EQ(-EBUSY, vfio_reset(igb.device));
	EXPECT_TRUE(vfio_command(igb.device) & PCI_COMMAND_MASTER);
	EXPECT_EQ((uint32_t)igb_address(&igb, 0), igb_get(&igb, IGB_RDBAL));
	expect_events(_metadata, &igb, 1);
	if (has_iommu())
		take_tables_over(_metadata, &igb, session, id);
	else
		EXPECT_EQ(-ENOTTY, vfio_attach(igb.device, 0));

	count = igb_count(&igb, 0);
	igb_give(&igb, ROOM, ROOM + count);
	while (!igb_done(&igb, count))
		usleep(1000);
	/* The peer does not keep what the ring had no room for. */
	if (count < ROOM)
		EXPECT_EQ(igb_number(&igb, count - 1) + 1,
			  igb_number(&igb, count));

	ASSERT_EQ(0, luo_finish(session));
	ASSERT_EQ(0, vfio_set_vectors(igb.device, NULL, 0));
	expect_events(_metadata, &igb, 0);
	EXPECT_TRUE(vfio_command(igb.device) & PCI_COMMAND_MASTER);

	session = luo_create(self->dev, SESSION);
	ASSERT_LE(0, session);
	ASSERT_EQ(0, luo_preserve_fd(session, memory, MEMORY_TOKEN));
	if (has_iommu())
		ASSERT_EQ(0, iommufd_unmap(igb.iommufd, igb.ioas, HUGE_SIZE,
					   HUGE_IOVA));
	ASSERT_EQ(0, luo_preserve_fd(session, igb.device, CARD_TOKEN));
	luo_hold(_metadata, self->dev);
}

/* A card that nobody opens is stopped, and is one like any other afterwards. */
TEST_F(verify, unopened)
{
	int session = luo_retrieve(self->dev, SESSION);
	struct igb igb;

	ASSERT_LE(0, session);
	EXPECT_EQ(-EBUSY, luo_finish(session));
	igb.device = luo_retrieve_fd(session, CARD_TOKEN);
	ASSERT_LE(0, igb.device);
	EXPECT_EQ(0, luo_finish(session));

	igb.iommufd = vfio_open_iommufd();
	ASSERT_EQ(0, vfio_bind(igb.device, igb.iommufd));
	EXPECT_FALSE(vfio_command(igb.device) & PCI_COMMAND_MASTER);
	EXPECT_EQ(0, igb_get(&igb, IGB_RDBAL));
	EXPECT_EQ(0, vfio_reset(igb.device));
	close(igb.device);
	EXPECT_LE(0, vfio_open(address(), igb.iommufd));
}

TEST_HARNESS_MAIN
