// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): the header that came in, and the one that is
 * handed over.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/cache.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "kho_internal.h"
#include "luo_internal.h"

/* What this kernel hands over. NULL until it is published. */
static struct luo_ser *luo_header_out __ro_after_init;

/*
 * The header that came in, until luo_header_free(); and what it said. A driver
 * may ask before initcalls of LUO run, so luo_receive_lock protects all of it
 * until it is known.
 */
static struct luo_ser *luo_header_in;
static struct luo_received luo_received;
static bool luo_received_known;
static DEFINE_MUTEX(luo_receive_lock);

/**
 * luo_header_check - can this header from the previous kernel be used?
 * @ser:  the header
 * @size: how many bytes the previous kernel says it has
 *
 * A header of another format may have another size, so the format is looked at
 * first: it is the better explanation.
 *
 * Return: 0 or -EIO.
 */
int luo_header_check(const struct luo_ser *ser, size_t size)
{
	static const char compatible[LUO_ABI_COMPAT_LENGTH] = LUO_ABI_COMPATIBLE;

	if (memcmp(ser->compatible, compatible, sizeof(compatible))) {
		pr_err("previous kernel's data has format '%*pE', expected '%s'\n",
		       (int)strnlen(ser->compatible, LUO_ABI_COMPAT_LENGTH),
		       ser->compatible, compatible);
		return -EIO;
	}
	if (size < sizeof(*ser)) {
		pr_err("previous kernel's header has %zu bytes, expected %zu\n",
		       size, sizeof(*ser));
		return -EIO;
	}
	return 0;
}

/**
 * luo_find_page - a page that the previous kernel preserved
 * @pa: its physical address, as that kernel told it
 *
 * Return: the page, in place, for kho_restore_free() when all in it is read; or
 * NULL when there is none.
 */
void *luo_find_page(u64 pa)
{
	return kho_is_preserved(pa, PAGE_SIZE) ? phys_to_virt(pa) : NULL;
}

static void __init luo_header_read(void)
{
	struct luo_ser *ser = NULL;
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(LUO_KHO_ENTRY_NAME, &phys, &size);
	if (err == -ENOENT)
		return;
	if (!err)
		ser = luo_find_page(phys);
	if (!ser || luo_header_check(ser, size)) {
		pr_err("nothing can be retrieved from the previous kernel; its memory stays reserved until the next reboot\n");
		luo_received.damaged = true;
		return;
	}

	luo_received.nr_updates = ser->liveupdate_num;
	luo_received.sessions_pa = ser->sessions_pa;
	luo_received.flbs_pa = ser->flbs_pa;
	luo_header_in = ser;
}

/**
 * luo_header_receive - read the header that came in, unless that is done
 * @received: output; what the header said
 *
 * The first caller reads it. That is luo_init(), unless a driver asks for its
 * FLB before.
 *
 * Context: may sleep; from early_initcall on
 */
void __ref luo_header_receive(struct luo_received *received)
{
	guard(mutex)(&luo_receive_lock);
	if (!luo_received_known) {
		kho_memory_ready();
		luo_header_read();
		luo_received_known = true;
	}
	*received = luo_received;
}

/**
 * luo_header_free - free the header that came in, if one did
 *
 * Not as part of luo_header_receive(): KHO's debugfs reads the header as well,
 * and later than the first driver may ask for its FLB.
 */
void __init luo_header_free(void)
{
	kho_restore_free(luo_header_in);
	luo_header_in = NULL;
}

/**
 * luo_header_publish - have a header handed over, which lists no session
 * @nr_updates: live updates up to the next kernel
 * @flbs_pa:    physical address of the page of &struct luo_flb_header_ser
 *
 * Return: 0 or an errno.
 */
int __init luo_header_publish(u64 nr_updates, u64 flbs_pa)
{
	struct luo_ser *ser;
	int err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	strscpy_pad(ser->compatible, LUO_ABI_COMPATIBLE);
	ser->liveupdate_num = nr_updates;
	ser->flbs_pa = flbs_pa;

	err = kho_add_subtree(LUO_KHO_ENTRY_NAME, ser, sizeof(*ser));
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}
	luo_header_out = ser;
	return 0;
}

/**
 * luo_header_is_published - can sessions be handed over?
 *
 * Return: true after a successful luo_header_publish().
 */
bool luo_header_is_published(void)
{
	return luo_header_out;
}

/**
 * luo_header_set_sessions - have sessions handed over
 * @sessions_pa: first block of &struct luo_session_ser, 0 for no sessions
 *
 * Context: after luo_header_publish(), within luo_freeze_begin() and
 * luo_freeze_end()
 */
void luo_header_set_sessions(u64 sessions_pa)
{
	luo_header_out->sessions_pa = sessions_pa;
}
