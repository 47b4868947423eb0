/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's network card "igb", driven by vfio: frames that come in go to a memfd.
 * The frames have numbers, and their sender waits for a frame before it begins;
 * it is tests/frames.pl.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_IGB_H
#define SELFTESTS_LUO_IGB_H

#include <arpa/inet.h>

#include "luo_vfio.h"

#define IGB_CTRL	0x0000
#define IGB_CTRL_SLU	0x00000040
#define IGB_CTRL_RST	0x04000000
#define IGB_STATUS	0x0008
#define IGB_STATUS_LU	0x00000002
#define IGB_MDIC	0x0020
#define IGB_RESTART_PHY	0x14201200	/* write BMCR of the PHY at 1 */
#define IGB_RCTL	0x0100
#define IGB_RCTL_ALL	0x0000801a	/* enabled, all addresses */
#define IGB_TCTL	0x0400
#define IGB_TCTL_EN	0x00000002
#define IGB_GPIE	0x1514
#define IGB_GPIE_MSIX	0x00000010
#define IGB_EIMS	0x1524
#define IGB_EIAC	0x152c
#define IGB_IVAR0	0x1700
#define IGB_IVAR_VALID	0x80
#define IGB_RDBAL	0xc000
#define IGB_RDBAH	0xc004
#define IGB_RDLEN	0xc008
#define IGB_SRRCTL	0xc00c
#define IGB_RDT		0xc018
#define IGB_RXDCTL	0xc028
#define IGB_TDBAL	0xe000
#define IGB_TDBAH	0xe004
#define IGB_TDLEN	0xe008
#define IGB_TDT		0xe018
#define IGB_TXDCTL	0xe028
#define IGB_QUEUE_EN	0x02000000
#define IGB_ONE_PAGE	2		/* KiB of a buffer */

/* A frame of 60 bytes to send: all of it, in one descriptor. */
#define IGB_FRAME	60
#define IGB_TX_COMMAND	(0x2b300000U | IGB_FRAME)
#define IGB_TX_STATUS	(IGB_FRAME << 14)
#define IGB_DONE	1
#define IGB_ETHERTYPE	0x88b5

/* The ring is a page; one descriptor remains free. */
#define RING		256
#define ROOM		(RING - 1)

struct igb_descriptor {
	uint64_t address;
	uint32_t low;
	uint32_t high;
};

/* The number is at no multiple of its size. */
struct igb_frame {
	uint8_t to[6];
	uint8_t from[6];
	uint16_t type;
	uint16_t number[2];
};

/*
 * The memfd: the ring, a page for each of its frames, the ring of what is sent,
 * a page for a frame to send, and a page for the test.
 */
struct igb_note {
	int at_reboot;
	int at_boot;
	uint64_t ticks;
};

/* Of a clock that goes on over a kexec. */
static inline uint64_t igb_ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

#define IGB_PAGES	(RING + 4)

/* Behind an IOMMU the memfd is mapped at @iova. */
struct igb {
	int device;
	char *memory;
	int iommufd;
	int ioas;
	uint64_t iova;
};

static inline void *igb_page(struct igb *igb, int page)
{
	return igb->memory + page * PAGE;
}

static inline struct igb_descriptor *igb_descriptor(struct igb *igb, int i)
{
	return (struct igb_descriptor *)igb->memory + i;
}

static inline struct igb_note *igb_note(struct igb *igb)
{
	return igb_page(igb, RING + 3);
}

static inline uint32_t igb_get(struct igb *igb, off_t at)
{
	uint32_t value = ~0;

	vfio_read(igb->device, VFIO_PCI_BAR0_REGION_INDEX, at, &value,
		  sizeof(value));
	return value;
}

static inline void igb_set(struct igb *igb, off_t at, uint32_t value)
{
	vfio_write(igb->device, VFIO_PCI_BAR0_REGION_INDEX, at, &value,
		   sizeof(value));
}

/* Without an IOMMU the device sees physical addresses. */
static inline uint64_t igb_address(struct igb *igb, int page)
{
	return igb->iova ? igb->iova + page * PAGE :
			   luo_frame(igb_page(igb, page)) * PAGE;
}

/* Is there a frame in this descriptor? */
static inline bool igb_done(struct igb *igb, int i)
{
	return __atomic_load_n(&igb_descriptor(igb, i % RING)->low,
			       __ATOMIC_ACQUIRE) & IGB_DONE;
}

/* The number of the frame in a descriptor. */
static inline uint32_t igb_number(struct igb *igb, int i)
{
	struct igb_frame *frame = igb_page(igb, 1 + i % RING);

	return frame->type != htons(IGB_ETHERTYPE) ? 0 :
	       ntohs(frame->number[0]) << 16 | ntohs(frame->number[1]);
}

/* How many frames are in the ring, from descriptor @from on. */
static inline int igb_count(struct igb *igb, int from)
{
	int count = 0;

	while (count < ROOM && igb_done(igb, from + count))
		count++;
	return count;
}

/* Give descriptors to the device, up to but without @end. */
static inline void igb_give(struct igb *igb, int from, int end)
{
	for (int i = from; i < end; i++)
		*igb_descriptor(igb, i % RING) = (struct igb_descriptor) {
			.address = igb_address(igb, 1 + i % RING),
		};
	igb_set(igb, IGB_RDT, end % RING);
}

/* Send the frame after which others come. */
static inline void igb_send(struct igb *igb)
{
	struct igb_descriptor *send = igb_page(igb, RING + 1);
	struct igb_frame *frame = igb_page(igb, RING + 2);

	memset(frame, 0, IGB_FRAME);
	memset(frame->to, 0xff, sizeof(frame->to));
	frame->from[0] = 2;
	frame->type = htons(IGB_ETHERTYPE);
	send->address = igb_address(igb, RING + 2);
	send->low = IGB_TX_COMMAND;
	send->high = IGB_TX_STATUS;

	igb_set(igb, IGB_TDBAL, igb_address(igb, RING + 1));
	igb_set(igb, IGB_TDBAH, igb_address(igb, RING + 1) >> 32);
	igb_set(igb, IGB_TDLEN, PAGE);
	igb_set(igb, IGB_TXDCTL, IGB_QUEUE_EN);
	igb_set(igb, IGB_TCTL, IGB_TCTL_EN);
	igb_set(igb, IGB_TDT, 1);
}

/* Receive all frames, with an interrupt of vector 0 for each. */
static inline void igb_start(struct igb *igb)
{
	igb_set(igb, IGB_CTRL, IGB_CTRL_RST);
	igb_set(igb, IGB_CTRL, IGB_CTRL_SLU);
	igb_set(igb, IGB_MDIC, IGB_RESTART_PHY);
	while (!(igb_get(igb, IGB_STATUS) & IGB_STATUS_LU))
		usleep(1000);

	igb_set(igb, IGB_GPIE, IGB_GPIE_MSIX);
	igb_set(igb, IGB_IVAR0, IGB_IVAR_VALID);
	igb_set(igb, IGB_EIAC, 1);
	igb_set(igb, IGB_EIMS, 1);

	igb_set(igb, IGB_RDBAL, igb_address(igb, 0));
	igb_set(igb, IGB_RDBAH, igb_address(igb, 0) >> 32);
	igb_set(igb, IGB_RDLEN, RING * sizeof(struct igb_descriptor));
	igb_set(igb, IGB_SRRCTL, IGB_ONE_PAGE);
	igb_set(igb, IGB_RXDCTL, IGB_QUEUE_EN);
	igb_set(igb, IGB_RCTL, IGB_RCTL_ALL);
	igb_give(igb, 0, ROOM);
	igb_send(igb);
}

#endif /* SELFTESTS_LUO_IGB_H */
