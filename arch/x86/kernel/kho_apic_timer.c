// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover: hands the frequency of the local APIC timer on.
 *
 * Where neither CPUID nor a TSC deadline timer makes it needless, a kernel counts
 * for 100 ms how fast the local APIC timer runs. On the same machine the next
 * kernel would come to the same result, and guests stand still meanwhile. So it
 * gets the result, and takes it as it takes that of a hypervisor. If it does not,
 * it measures.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/visibility.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kexec_handover.h>
#include <linux/kho_early.h>
#include <linux/limits.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/units.h>

#include <linux/kho/abi/apic_timer.h>

#include <asm/apic.h>
#include <asm/kho_apic_timer.h>

/* Slower than this the kernel does without the timer. */
#define MIN_HZ		HZ_PER_MHZ
#define MAX_HZ		(10000ULL * HZ_PER_MHZ)

static_assert(MAX_HZ / HZ <= UINT_MAX);

/* Set up and found good, not merely known. */
static bool apic_timer_works __initdata;

/* What the previous kernel said may be anything: 0 if it cannot be true. */
VISIBLE_IF_KUNIT u64 kho_apic_timer_hz(const struct kho_apic_timer_ser *ser)
{
	if (strncmp(ser->compatible, KHO_APIC_TIMER_COMPATIBLE,
		    KHO_APIC_TIMER_COMPAT_LENGTH) ||
	    ser->not_hz != ~ser->hz || ser->hz < MIN_HZ || ser->hz > MAX_HZ)
		return 0;

	return ser->hz;
}

/* Learn the frequency from the previous kernel, before it is measured. */
static void __init learn_frequency(void)
{
	struct kho_apic_timer_ser ser;
	int err;

	if (lapic_timer_period)
		return;

	err = kho_copy_subtree_early(KHO_APIC_TIMER_NAME, &ser, sizeof(ser));
	if (err == -ENOENT)
		return;
	if (err || !kho_apic_timer_hz(&ser)) {
		pr_warn("frequency of the APIC timer is of another version or damaged, ignored\n");
		return;
	}

	lapic_timer_period = ser.hz / HZ;
	pr_info("APIC timer runs at %llu Hz, as the previous kernel measured\n",
		ser.hz);
}

KHO_EARLY_CLIENT(apic_timer, learn_frequency, NULL);

/**
 * kho_apic_timer_works - say that the timer is in use
 *
 * Context: boot.
 */
void __init kho_apic_timer_works(void)
{
	apic_timer_works = true;
}

static int __init tell_frequency(void)
{
	struct kho_apic_timer_ser *ser;
	int err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	strscpy_pad(ser->compatible, KHO_APIC_TIMER_COMPATIBLE);
	ser->hz = (u64)lapic_timer_period * HZ;
	ser->not_hz = ~ser->hz;

	err = kho_add_subtree(KHO_APIC_TIMER_NAME, ser, sizeof(*ser));
	if (err)
		kho_unpreserve_free(ser);

	return err;
}

static int __init kho_apic_timer_init(void)
{
	phys_addr_t phys;
	int err;

	if (!kho_is_enabled())
		return 0;

	/* Nobody else is going to ask for it. */
	if (!kho_retrieve_subtree(KHO_APIC_TIMER_NAME, &phys, NULL))
		kho_restore_free(phys_to_virt(phys));

	if (!apic_timer_works || !lapic_timer_period)
		return 0;

	err = tell_frequency();
	if (err)
		pr_warn("the next kernel has to measure how fast the APIC timer runs: %pe\n",
			ERR_PTR(err));

	return 0;
}
postcore_initcall(kho_apic_timer_init);
