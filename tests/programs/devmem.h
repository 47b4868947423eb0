/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Physical memory through /dev/mem, for programs that damage what is handed over.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef DEVMEM_H
#define DEVMEM_H

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE		4096UL
#define KHO		"/sys/kernel/debug/kho/out/"
#define NOWHERE		0x7f0000000000UL	/* there is no RAM */

static int mem;

static inline void open_mem(void)
{
	mem = open("/dev/mem", O_RDWR);
	if (mem < 0)
		err(1, "/dev/mem");
}

static inline void *map(uint64_t phys, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mem, phys);

	if (p == MAP_FAILED)
		err(1, "mapping %#lx of /dev/mem", (unsigned long)phys);
	return p;
}

/* Numbers that need not be aligned. */
static inline uint64_t get(const char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static inline void set(char *p, uint64_t value)
{
	memcpy(p, &value, sizeof(value));
}

#endif /* DEVMEM_H */
