// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover: hands on what was found out about timers.
 *
 * Where neither CPUID nor a TSC deadline timer makes it needless, a kernel counts
 * for 100 ms how fast the local APIC timer runs. On the same machine the next
 * kernel would come to the same result, and guests stand still meanwhile. So it
 * gets the result, and takes it as it takes that of a hypervisor. If it does not,
 * it measures. Nobody measures again what is handed on, so that is a result only which
 * the PM timer has confirmed: a virtual processor that did not run meanwhile makes it
 * wrong.
 *
 * Where the local APIC timer stops in deep sleep, a kernel waits for some interrupts
 * of the 8254 or HPET, to see by which pin of an I/O APIC they arrive. That takes 5
 * ticks. The next kernel tries the same pin first; it learns that this one works. That
 * the HPET's interrupt arrives says nothing of the 8254, which "hpet=disable" has the
 * next kernel use instead, and which a board may not have wired. So it tests when
 * another timer raises the interrupt.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/visibility.h>
#include <linux/bitfield.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/i8253.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/kexec_handover.h>
#include <linux/kho_early.h>
#include <linux/limits.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/units.h>

#include <linux/kho/abi/apic_timer.h>

#include <asm/apic.h>
#include <asm/irqdomain.h>
#include <asm/kho_apic_timer.h>
#include <asm/time.h>
#include <asm/timer.h>

/* Slower than this the kernel does without the timer. */
#define MIN_HZ		HZ_PER_MHZ
#define MAX_HZ		(10000ULL * HZ_PER_MHZ)

static_assert(MAX_HZ / HZ <= UINT_MAX);

/* Set up and found good, not merely known. */
static bool apic_timer_works __initdata;

/* Measured here, and there was no PM timer to compare it with. */
static bool unconfirmed __initdata;

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

/* Routes of the timer's interrupt that the previous kernel and this one found. */
static u64 old_route __initdata;
static u64 new_route __initdata;

/* What the previous kernel said may be anything: 0 if it cannot be true. */
VISIBLE_IF_KUNIT u64 kho_timer_irq_route(const struct kho_timer_irq_ser *ser)
{
	if (strncmp(ser->compatible, KHO_TIMER_IRQ_COMPATIBLE,
		    KHO_APIC_TIMER_COMPAT_LENGTH) ||
	    ser->not_route != ~ser->route || !(ser->route & KHO_TIMER_IRQ_WORKS))
		return 0;

	return ser->route;
}

static void __init learn_route(void)
{
	struct kho_timer_irq_ser ser;
	int err;

	err = kho_copy_subtree_early(KHO_TIMER_IRQ_NAME, &ser, sizeof(ser));
	if (err == -ENOENT)
		return;
	old_route = err ? 0 : kho_timer_irq_route(&ser);
	if (!old_route)
		pr_warn("route of the timer's interrupt is of another version or damaged, ignored\n");
}

KHO_EARLY_CLIENT(timer_irq, learn_route, NULL);

/* check_timer() runs only if there is one of the two. */
static unsigned int __init source(void)
{
	return global_clock_event == &i8253_clockevent ? KHO_TIMER_IRQ_8254 :
							 KHO_TIMER_IRQ_HPET;
}

static u64 __init route_of(const struct irq_data *irq, int apic, int pin)
{
	u64 route = FIELD_PREP(KHO_TIMER_IRQ_PIN, pin) |
		    FIELD_PREP(KHO_TIMER_IRQ_APIC, apic) |
		    FIELD_PREP(KHO_TIMER_IRQ_SOURCE, source()) |
		    KHO_TIMER_IRQ_WORKS;

	if (irq->parent_data && irq->parent_data->domain != x86_vector_domain)
		route |= KHO_TIMER_IRQ_REMAPPED;

	return route;
}

/**
 * kho_timer_irq_worked - did the timer's interrupt arrive in the previous kernel?
 * @irq:  the interrupt
 * @apic: number of the I/O APIC
 * @pin:  its pin
 *
 * Context: called by check_timer().
 * Return: true if that of the same timer came by this pin and on the same way, so need
 * not be tested.
 */
bool __init kho_timer_irq_worked(const struct irq_data *irq, int apic, int pin)
{
	if (!old_route || route_of(irq, apic, pin) != old_route)
		return false;
	pr_info("timer's interrupt is not tested, as it worked in the previous kernel\n");

	return true;
}

/**
 * kho_timer_irq_works - say that the timer's interrupt arrives
 * @irq:  the interrupt
 * @apic: number of the I/O APIC
 * @pin:  its pin
 *
 * Context: called by check_timer().
 */
void __init kho_timer_irq_works(const struct irq_data *irq, int apic, int pin)
{
	/* With no_timer_check nobody knows. */
	if (!no_timer_check)
		new_route = route_of(irq, apic, pin);
}

/**
 * kho_apic_timer_works - say that the timer is in use
 *
 * Context: boot.
 */
void __init kho_apic_timer_works(void)
{
	apic_timer_works = true;
}

/**
 * kho_apic_timer_measured - say that the frequency was measured
 * @confirmed: the PM timer told that the time was right, or by how much it was not
 *
 * Context: boot.
 */
void __init kho_apic_timer_measured(bool confirmed)
{
	unconfirmed = !confirmed;
}

static int __init tell(const char *name, const void *ser, size_t size)
{
	void *blob;
	int err;

	blob = kho_alloc_preserve(size);
	if (IS_ERR(blob))
		return PTR_ERR(blob);

	memcpy(blob, ser, size);
	err = kho_add_subtree(name, blob, size);
	if (err)
		kho_unpreserve_free(blob);

	return err;
}

static void __init tell_frequency(void)
{
	struct kho_apic_timer_ser ser = { .hz = (u64)lapic_timer_period * HZ };
	int err;

	if (!apic_timer_works || !lapic_timer_period || unconfirmed)
		return;

	strscpy_pad(ser.compatible, KHO_APIC_TIMER_COMPATIBLE);
	ser.not_hz = ~ser.hz;
	err = tell(KHO_APIC_TIMER_NAME, &ser, sizeof(ser));
	if (err)
		pr_warn("the next kernel has to measure how fast the APIC timer runs: %pe\n",
			ERR_PTR(err));
}

static void __init tell_route(void)
{
	struct kho_timer_irq_ser ser = { .route = new_route, .not_route = ~new_route };
	int err;

	if (!new_route)
		return;

	strscpy_pad(ser.compatible, KHO_TIMER_IRQ_COMPATIBLE);
	err = tell(KHO_TIMER_IRQ_NAME, &ser, sizeof(ser));
	if (err)
		pr_warn("the next kernel has to test the timer's interrupt: %pe\n",
			ERR_PTR(err));
}

/* Nobody else is going to ask for it. */
static void __init forget(const char *name)
{
	phys_addr_t phys;

	if (!kho_retrieve_subtree(name, &phys, NULL))
		kho_restore_free(phys_to_virt(phys));
}

static int __init kho_apic_timer_init(void)
{
	if (!kho_is_enabled())
		return 0;

	forget(KHO_APIC_TIMER_NAME);
	forget(KHO_TIMER_IRQ_NAME);
	tell_frequency();
	tell_route();

	return 0;
}
postcore_initcall(kho_apic_timer_init);
