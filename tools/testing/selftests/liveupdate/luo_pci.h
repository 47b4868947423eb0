/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices of the sample driver for PCI, and QEMU's device "edu".
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_PCI_H
#define SELFTESTS_LUO_PCI_H

#include "../kselftest_harness.h"
#include "luo_edu.h"
#include "luo_util.h"

/* The device whose address is in the environment. */
static inline int pci_open(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/luo_pci-%s", getenv(name) ?: "");
	return luo_result(open(path, O_RDWR | O_CLOEXEC));
}

static inline void pci_set(struct __test_metadata *const _metadata, int fd,
			   off_t offset, uint32_t value)
{
	ASSERT_EQ(sizeof(value), pwrite(fd, &value, sizeof(value), offset));
}

static inline uint32_t pci_get(struct __test_metadata *const _metadata, int fd,
			       off_t offset)
{
	uint32_t value = 0;

	EXPECT_EQ(sizeof(value), pread(fd, &value, sizeof(value), offset));
	return value;
}

/* A transfer, which takes 100 ms. */
static inline void edu_start(struct __test_metadata *const _metadata, int edu,
			     uint32_t source, uint32_t target, uint32_t command)
{
	pci_set(_metadata, edu, EDU_SOURCE, source);
	pci_set(_metadata, edu, EDU_TARGET, target);
	pci_set(_metadata, edu, EDU_COUNT, TRANSFER);
	pci_set(_metadata, edu, EDU_COMMAND, command | EDU_START);
}

static inline void edu_wait(struct __test_metadata *const _metadata, int edu)
{
	while (pci_get(_metadata, edu, EDU_COMMAND) & EDU_START)
		usleep(1000);
}

/* Fill its memory with what is at @source. */
static inline void edu_read(struct __test_metadata *const _metadata, int edu,
			    uint32_t source)
{
	edu_start(_metadata, edu, source, EDU_MEMORY, 0);
	edu_wait(_metadata, edu);
}

#endif /* SELFTESTS_LUO_PCI_H */
