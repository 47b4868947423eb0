// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): takes down the time of the moments of an update.
 *
 * All layers tell what happens, early boot among them, so this stands below all
 * of them. What the moments are, and who reads them, is in kho_timeline.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/timex.h>
#include <linux/types.h>

#include <linux/kho/abi/timeline.h>

#include "kho_internal.h"

/* For the next kernel; NULL while there is nothing to write to. */
static struct kho_timeline_ser *timeline_out __ro_after_init;

/* The moments after the jump, in this kernel. */
static u64 timeline_own[NR_KHO_MOMENTS];

/**
 * kho_timeline_mark - take down the time
 * @moment: what happens now
 *
 * A moment that comes again overwrites the time of the one before.
 *
 * Context: any, from the beginning of the boot on.
 */
void kho_timeline_mark(enum kho_moment moment)
{
	u64 now = get_cycles();

	if (moment >= KHO_MOMENTS_OUT)
		WRITE_ONCE(timeline_own[moment], now);
	else if (timeline_out)
		timeline_out->moments[moment].cycles = now;
}

/**
 * kho_timeline_moment - when was a moment of this kernel?
 * @moment: one after the jump
 *
 * Context: any.
 * Return: the value of get_cycles() then, 0 when it was not yet.
 */
u64 kho_timeline_moment(enum kho_moment moment)
{
	return READ_ONCE(timeline_own[moment]);
}

/**
 * kho_timeline_hand_over - write moments up to the jump to preserved memory
 * @ser: the memory, with KHO_MOMENTS_OUT moments
 *
 * Context: an initcall, once.
 */
void __init kho_timeline_hand_over(struct kho_timeline_ser *ser)
{
	timeline_out = ser;
}
