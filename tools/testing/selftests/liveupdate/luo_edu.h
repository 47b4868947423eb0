/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers of QEMU's device "edu", which can be told to transfer memory.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_EDU_H
#define SELFTESTS_LUO_EDU_H

/* Its memory is at EDU_MEMORY as seen by its DMA. */
#define EDU_LIVENESS	0x04
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	1
#define EDU_TO_RAM	2
#define EDU_MEMORY	0x40000

/* QEMU 7.2 does not stand a transfer of all of edu's 4096 bytes. */
#define TRANSFER	2048

#endif /* SELFTESTS_LUO_EDU_H */
