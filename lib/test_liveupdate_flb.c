// SPDX-License-Identifier: GPL-2.0
/*
 * FLBs for tests of live update, linked to every file handler.
 *
 * Each hands over a page that tells whose it is. That callbacks come once, in
 * pairs, and with what belongs to them is checked in the callbacks: what is not
 * right gives a warning with a backtrace. Each is logged, for tests that count.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo_test: " fmt

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "../kernel/liveupdate/luo_internal.h"
#include "test_liveupdate.h"

#define LUO_TEST_FLB_MAGIC	0x6c756f5f666c6221UL

/**
 * struct luo_test_flb_ser - what an FLB hands over
 * @magic: LUO_TEST_FLB_MAGIC
 * @index: of the FLB
 * @flags: LUO_TEST_FLB_FAIL_RETRIEVE or 0
 */
struct luo_test_flb_ser {
	u64 magic;
	u32 index;
	u32 flags;
};

/**
 * struct luo_test_flb - an FLB
 * @flb:       as LUO knows it
 * @preserved: between preserve and unpreserve
 * @retrieved: after retrieve was called, with whatever result
 * @finished:  after finish
 */
struct luo_test_flb {
	struct liveupdate_flb flb;
	bool preserved;
	bool retrieved;
	bool finished;
};

/* Told by luo_test_flb_command(). For the last FLB, so that others go before. */
static u32 luo_test_flb_flags;

/* As a driver's that asks for an FLB with a lock held which finish takes. */
static DEFINE_MUTEX(luo_test_flb_lock);

static struct luo_test_flb luo_test_flbs[];

static struct luo_test_flb *to_test_flb(struct liveupdate_flb *flb)
{
	return container_of(flb, struct luo_test_flb, flb);
}

static u32 index_of(const struct luo_test_flb *t)
{
	return t - luo_test_flbs;
}

static bool is_last(const struct luo_test_flb *t)
{
	return index_of(t) == LUO_TEST_NR_FLBS - 1;
}

static bool ser_ok(const struct luo_test_flb *t,
		   const struct luo_test_flb_ser *ser)
{
	return ser->magic == LUO_TEST_FLB_MAGIC && ser->index == index_of(t);
}

static int luo_test_flb_preserve(struct liveupdate_flb_op_args *args)
{
	struct luo_test_flb *t = to_test_flb(args->flb);
	struct luo_test_flb_ser *ser;
	u32 flags = is_last(t) ? READ_ONCE(luo_test_flb_flags) : 0;

	pr_info("preserve flb %u\n", index_of(t));
	WARN_ON(t->preserved || args->data || args->obj);
	if (flags & LUO_TEST_FLB_SLEEP_PRESERVE)
		luo_test_sleep("preserve flb");
	if (flags & LUO_TEST_FLB_FAIL_PRESERVE)
		return -EIO;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->magic = LUO_TEST_FLB_MAGIC;
	ser->index = index_of(t);
	ser->flags = flags & LUO_TEST_FLB_FAIL_RETRIEVE;

	args->data = virt_to_phys(ser);
	args->obj = ser;
	t->preserved = true;
	return 0;
}

static void luo_test_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	struct luo_test_flb *t = to_test_flb(args->flb);
	struct luo_test_flb_ser *ser = args->obj;

	pr_info("unpreserve flb %u\n", index_of(t));
	WARN_ON(!t->preserved || args->data != virt_to_phys(ser) ||
		!ser_ok(t, ser));
	t->preserved = false;
	kho_unpreserve_free(ser);
}

static int luo_test_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	struct luo_test_flb *t = to_test_flb(args->flb);
	struct luo_test_flb_ser *ser;
	struct folio *folio;

	pr_info("retrieve flb %u\n", index_of(t));
	WARN_ON(t->retrieved || t->finished || args->obj);
	t->retrieved = true;

	/* Damaged data must not cost what belongs to somebody else. */
	if (!kho_is_preserved(args->data, sizeof(*ser)))
		return -EINVAL;
	ser = phys_to_virt(args->data);
	if (!ser_ok(t, ser))
		return -EINVAL;
	if (ser->flags & LUO_TEST_FLB_FAIL_RETRIEVE)
		return -EIO;

	folio = kho_restore_folio(args->data);
	if (!folio)
		return -EINVAL;
	args->obj = folio_address(folio);
	return 0;
}

static void luo_test_flb_finish(struct liveupdate_flb_op_args *args)
{
	struct luo_test_flb *t = to_test_flb(args->flb);
	struct luo_test_flb_ser *ser = args->obj;

	pr_info("finish flb %u\n", index_of(t));
	if (is_last(t) &&
	    READ_ONCE(luo_test_flb_flags) & LUO_TEST_FLB_SLEEP_FINISH)
		luo_test_sleep("finish flb");
	guard(mutex)(&luo_test_flb_lock);
	WARN_ON(!t->retrieved || t->finished || !ser_ok(t, ser));
	t->finished = true;
	folio_put(virt_to_folio(ser));
}

static const struct liveupdate_flb_ops luo_test_flb_ops = {
	.preserve = luo_test_flb_preserve,
	.unpreserve = luo_test_flb_unpreserve,
	.retrieve = luo_test_flb_retrieve,
	.finish = luo_test_flb_finish,
	.owner = THIS_MODULE,
};

#define LUO_TEST_FLB(_compatible) {					\
	.flb = {							\
		.ops = &luo_test_flb_ops,				\
		.compatible = _compatible,				\
	},								\
}

static struct luo_test_flb luo_test_flbs[] = {
	LUO_TEST_FLB("luo-test-flb0-v1"),
	LUO_TEST_FLB("luo-test-flb1-v1"),
	LUO_TEST_FLB("luo-test-flb2-v1"),
};

static_assert(ARRAY_SIZE(luo_test_flbs) == LUO_TEST_NR_FLBS);
static_assert(sizeof(luo_test_flbs[0].flb.compatible) ==
	      LIVEUPDATE_FLB_COMPAT_LENGTH);

/**
 * liveupdate_test_register - link all FLBs to a handler
 * @fh: the handler, registered
 */
void liveupdate_test_register(struct liveupdate_file_handler *fh)
{
	int i, err;

	for (i = 0; i < LUO_TEST_NR_FLBS; i++) {
		err = liveupdate_register_flb(fh, &luo_test_flbs[i].flb);
		WARN(err, "flb %d not linked to '%s': %pe\n", i, fh->compatible,
		     ERR_PTR(err));
		/* Once is enough, and too much is an error. */
		WARN_ON(liveupdate_register_flb(fh, &luo_test_flbs[i].flb) !=
			-EEXIST);
	}
}

/**
 * luo_test_flb_check_outgoing - are all FLBs there for a file being preserved?
 */
void luo_test_flb_check_outgoing(void)
{
	struct luo_test_flb *t;
	void *obj;
	int i;

	for (i = 0; i < LUO_TEST_NR_FLBS; i++) {
		t = &luo_test_flbs[i];
		if (WARN_ON(liveupdate_flb_get_outgoing(&t->flb, &obj)))
			continue;
		WARN_ON(!t->preserved || !ser_ok(t, obj));
		liveupdate_flb_put_outgoing(&t->flb);
	}
}

/**
 * luo_test_flb_check_incoming - are FLBs that came in as they were?
 *
 * Return: 0, or the errno for the last FLB.
 */
int luo_test_flb_check_incoming(void)
{
	struct luo_test_flb *t;
	int i, err = 0;
	void *obj;

	for (i = 0; i < LUO_TEST_NR_FLBS; i++) {
		t = &luo_test_flbs[i];
		scoped_guard(mutex, &luo_test_flb_lock)
			err = liveupdate_flb_get_incoming(&t->flb, &obj);
		if (err)
			continue;
		WARN_ON(!t->retrieved || t->finished || !ser_ok(t, obj));
		liveupdate_flb_put_incoming(&t->flb);
	}
	return err;
}

/**
 * luo_test_flb_set - tell the last FLB what to do from now on
 * @flags: LUO_TEST_FLB_*
 */
void luo_test_flb_set(u32 flags)
{
	WRITE_ONCE(luo_test_flb_flags, flags);
}

static bool luo_test_flb_early __initdata;

/*
 * "luo_test.early" on the command line. Not always: to ask so early changes how
 * the memory comes back.
 */
static int __init luo_test_flb_set_early(char *arg)
{
	luo_test_flb_early = true;
	return 0;
}
early_param("luo_test.early", luo_test_flb_set_early);

/* As a driver does that other drivers depend on. */
static int __init luo_test_flb_early_init(void)
{
	if (luo_test_flb_early && liveupdate_enabled())
		pr_info("incoming flbs early: %d\n",
			luo_test_flb_check_incoming());
	return 0;
}
early_initcall(luo_test_flb_early_init);

/* FLBs may be used long before userspace is there. */
static int __init luo_test_flb_init(void)
{
	int err;

	if (liveupdate_enabled()) {
		err = luo_test_flb_check_incoming();
		pr_info("incoming flbs at boot: %d\n", err);
	}
	return 0;
}
arch_initcall(luo_test_flb_init);
