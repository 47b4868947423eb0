// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): shows where the time of an update went.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Timeline
 *
 * Each kernel takes down when it comes to certain moments of an update. The next
 * kernel gets those up to the jump in a subtree of their own, adds its own, and
 * shows all of them in /sys/kernel/debug/liveupdate/timeline::
 *
 *            ms       step moment
 *         0.000      0.000 reboot
 *         0.420      0.420 frozen
 *        12.011     11.591 jump
 *       431.870    419.859 takeover
 *       529.104     97.234 memory
 *       611.390     82.286 devices
 *       700.001     88.611 opened
 *       702.530      2.529 retrieved
 *       731.112     28.582 finished
 *
 * The first column counts from the first moment, the second from the one before.
 *
 * reboot
 *   kernel_kexec() begins to write out what is handed over.
 * frozen
 *   It is written out.
 * jump
 *   Devices are shut down and the other processors are stopped.
 * takeover
 *   The next kernel is in place, decompressed, and has read its parameters.
 * memory
 *   Preserved memory is kept and all other memory belongs to the allocator.
 * devices
 *   All initcalls are done.
 * opened, retrieved, finished
 *   /dev/liveupdate is open, the last file so far is retrieved, the last session
 *   so far is finished.
 *
 * The clock is the processor's counter, which a kexec does not reset: the TSC or
 * the architected timer. The next kernel computes its rate when the timeline is
 * read, so the first moments may come before that kernel has any clock. Where
 * there is no such counter there is no timeline. Nothing depends on the timeline:
 * a damaged one causes a message, and nothing else.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/timex.h>

#include <linux/kho/abi/timeline.h>

#include "kho_internal.h"

static const char * const moment_words[NR_KHO_MOMENTS] = {
	[KHO_REBOOT] = "reboot",
	[KHO_FROZEN] = "frozen",
	[KHO_JUMP] = "jump",
	[KHO_TAKEOVER] = "takeover",
	[KHO_MEMORY] = "memory",
	[KHO_DEVICES] = "devices",
	[KHO_OPENED] = "opened",
	[KHO_RETRIEVED] = "retrieved",
	[KHO_FINISHED] = "finished",
};

/* From the previous kernel; NULL when it said nothing. */
static const struct kho_timeline_ser *timeline_in __ro_after_init;

/* The counter and the clock at the same moment, when both ran. */
static struct {
	u64 cycles;
	u64 ns;
} timeline_base __ro_after_init;

static void __init read_timeline(void)
{
	struct kho_timeline_ser *ser;
	phys_addr_t phys;
	size_t size;

	if (kho_retrieve_subtree(KHO_TIMELINE_NAME, &phys, &size))
		return;

	ser = phys_to_virt(phys);
	if (size < sizeof(*ser) ||
	    strncmp(ser->compatible, KHO_TIMELINE_COMPATIBLE,
		    KHO_TIMELINE_COMPAT_LENGTH) ||
	    struct_size(ser, moments, ser->nr) > size)
		pr_warn("timeline of the previous kernel is of another version or damaged, ignored\n");
	else
		timeline_in = kmemdup(ser, struct_size(ser, moments, ser->nr),
				      GFP_KERNEL | __GFP_NOWARN);
	/* The blob has no other reader. */
	kho_restore_free(ser);
}

static int __init add_timeline(void)
{
	struct kho_timeline_ser *ser;
	enum kho_moment moment;
	int err;

	ser = kho_alloc_preserve(struct_size(ser, moments, KHO_MOMENTS_OUT));
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	strscpy_pad(ser->compatible, KHO_TIMELINE_COMPATIBLE);
	ser->nr = KHO_MOMENTS_OUT;
	for (moment = 0; moment < KHO_MOMENTS_OUT; moment++)
		strscpy_pad(ser->moments[moment].word, moment_words[moment]);

	err = kho_add_subtree(KHO_TIMELINE_NAME, ser,
			      struct_size(ser, moments, KHO_MOMENTS_OUT));
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}
	kho_timeline_hand_over(ser);

	return 0;
}

static int __init kho_timeline_init(void)
{
	int err;

	if (!kho_is_enabled() || !get_cycles())
		return 0;

	timeline_base.cycles = get_cycles();
	timeline_base.ns = ktime_get_ns();
	read_timeline();
	err = add_timeline();
	if (err)
		pr_warn("the next kernel will not know how long an update took: %pe\n",
			ERR_PTR(err));
	return 0;
}
postcore_initcall(kho_timeline_init);

static int __init kho_timeline_devices(void)
{
	kho_timeline_mark(KHO_DEVICES);
	return 0;
}
late_initcall_sync(kho_timeline_devices);

/* What is shown, and how far it is. */
struct timeline_view {
	struct seq_file *m;
	u64 ns_per_cycles;
	u64 cycles;
	u64 now;
	u64 first;
	u64 last;
};

static u64 view_us(const struct timeline_view *view, u64 cycles)
{
	return div_u64(mul_u64_u64_div_u64(cycles, view->ns_per_cycles,
					   view->cycles), NSEC_PER_USEC);
}

static void show_ms(struct seq_file *m, u64 us)
{
	u32 rest;
	u64 ms = div_u64_rem(us, USEC_PER_MSEC, &rest);

	seq_printf(m, "%7llu.%03u", ms, rest);
}

static void show_moment(struct timeline_view *view, const char *word, u64 cycles)
{
	/* It did not happen, or the counter was reset on the way, or damaged. */
	if (!cycles || cycles < view->last || cycles > view->now)
		return;

	if (!view->first) {
		view->first = cycles;
		view->last = cycles;
	}
	show_ms(view->m, view_us(view, cycles - view->first));
	show_ms(view->m, view_us(view, cycles - view->last));
	seq_printf(view->m, " %*pE\n",
		   (int)strnlen(word, KHO_TIMELINE_WORD_LENGTH), word);
	view->last = cycles;
}

/* What @in says, which may be anything, and what this kernel adds. */
VISIBLE_IF_KUNIT void kho_timeline_show_in(struct seq_file *m,
					   const struct kho_timeline_ser *in)
{
	struct timeline_view view = { .m = m, .now = get_cycles() };
	u64 i;

	view.cycles = view.now - timeline_base.cycles;
	view.ns_per_cycles = ktime_get_ns() - timeline_base.ns;
	seq_printf(m, "%11s%11s moment\n", "ms", "step");
	if (!in->nr || !view.cycles)
		return;

	for (i = 0; i < in->nr; i++)
		show_moment(&view, in->moments[i].word, in->moments[i].cycles);
	for (i = KHO_MOMENTS_OUT; i < NR_KHO_MOMENTS; i++)
		show_moment(&view, moment_words[i], kho_timeline_moment(i));
}

/**
 * kho_timeline_show - show the moments of the last update
 * @m: where
 */
void kho_timeline_show(struct seq_file *m)
{
	static const struct kho_timeline_ser nothing;

	kho_timeline_show_in(m, timeline_in ?: &nothing);
}
