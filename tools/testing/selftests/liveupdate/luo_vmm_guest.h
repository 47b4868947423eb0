/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest of luo_vmm and its monitor agree on: where things are in guest
 * memory, and the ports between them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_VMM_GUEST_H
#define SELFTESTS_LUO_VMM_GUEST_H

#define NR_VCPUS		2

/* Guest memory; the code starts in real mode at a page that a SIPI can name. */
#define GUEST_CODE		0x1000
#define GUEST_CODE_MAX		0x2000
#define GUEST_PML4		0x4000
#define GUEST_PDPT		0x5000
#define GUEST_PD_RAM		0x6000
#define GUEST_PD_MMIO		0x7000
#define GUEST_IDT		0x8000
#define GUEST_CPU		0x9000	/* a struct guest_cpu on a page for each */
#define GUEST_WORK		0x200000	/* the pages that a vCPU works on */
#define GUEST_WORK_PAGES	256	/* a power of two */
#define GUEST_WORK_SIZE		(GUEST_WORK_PAGES * 0x1000)
#define GUEST_RAM		0x400000

#define GUEST_IOAPIC		0xfec00000

/* Interrupt vectors. */
#define VECTOR_PIC		0x20
#define VECTOR_TIMER		0x30
#define VECTOR_IOAPIC		0x31
#define VECTOR_SPURIOUS		0xff

/*
 * A vCPU writes the number of each step to its port, and reads back how many
 * the monitor has seen.
 */
#define PORT_STEP		0x1000	/* + number of the vCPU */
#define PORT_BROKEN		0x1010	/* + number of the vCPU: one of these */

#define BROKEN_VISITS		1	/* a page has been left out or seen twice */
#define BROKEN_SUM		2	/* the sum of a page is wrong */
#define BROKEN_COUNT		3	/* what the monitor counted is not the step */
#define BROKEN_SSE		4	/* the count in XMM0 is not the step */
#define BROKEN_AVX		5	/* YMM2 to YMM15 have changed */
#define BROKEN_DEBUG		6	/* DR0 to DR3, or DR7, have changed */
#define BROKEN_PIC		7	/* the mask of the second PIC has changed */
#define BROKEN_TSC		8	/* the TSC went back */
#define BROKEN_CLOCK		9	/* kvmclock went back */
#define BROKEN_EXCEPTION	10	/* an exception or a stray interrupt */
#define BROKEN_SEQUENCE		11	/* said by the monitor: not the next step */

/* Offsets in struct guest_cpu. */
#define CPU_TIMER_TICKS		0
#define CPU_PIT_TICKS		8
#define CPU_STOPPED		16
#define CPU_LAST_TSC		24
#define CPU_LAST_CLOCK		32
#define CPU_CLOCK		64
#define CPU_PATTERN		128

#define CLOCK_VERSION		0
#define CLOCK_TSC		8
#define CLOCK_NSEC		16
#define CLOCK_MUL		24
#define CLOCK_SHIFT		28
#define CLOCK_FLAGS		29

#define CLOCK_GUEST_STOPPED	2

#ifndef __ASSEMBLER__

#include <assert.h>
#include <linux/types.h>
#include <stddef.h>

/* As in arch/x86/include/asm/pvclock-abi.h. */
struct guest_clock {
	__u32 version;
	__u32 pad;
	__u64 tsc;
	__u64 nsec;
	__u32 mul;
	__s8 shift;
	__u8 flags;
	__u8 pad2[2];
};

/* The state of a vCPU that is in memory; the rest of the page is its stack. */
struct guest_cpu {
	__u64 timer_ticks;
	__u64 pit_ticks;
	__u64 stopped;		/* times that kvmclock said so */
	__u64 last_tsc;
	__u64 last_clock;
	__u64 pad[3];
	struct guest_clock clock;
	__u64 pad2[4];
	__u64 pattern[16][4];	/* of the YMM registers; from YMM2 on */
};

static_assert(offsetof(struct guest_cpu, timer_ticks) == CPU_TIMER_TICKS, "");
static_assert(offsetof(struct guest_cpu, pit_ticks) == CPU_PIT_TICKS, "");
static_assert(offsetof(struct guest_cpu, stopped) == CPU_STOPPED, "");
static_assert(offsetof(struct guest_cpu, last_tsc) == CPU_LAST_TSC, "");
static_assert(offsetof(struct guest_cpu, last_clock) == CPU_LAST_CLOCK, "");
static_assert(offsetof(struct guest_cpu, clock) == CPU_CLOCK, "");
static_assert(offsetof(struct guest_cpu, pattern) == CPU_PATTERN, "");
static_assert(GUEST_WORK + NR_VCPUS * GUEST_WORK_SIZE <= GUEST_RAM, "");

/* The guest's code, and the entries for its interrupts, as in the image. */
extern const char guest_code[], guest_code_end[];
extern const char guest_pic[], guest_timer[], guest_ioapic[], guest_exception[];

#endif /* !__ASSEMBLER__ */

#endif /* SELFTESTS_LUO_VMM_GUEST_H */
