// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): whether live update is in use, and the lock
 * that keeps sessions from changing once they are frozen.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo: " fmt

#include <kunit/visibility.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "luo_internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/liveupdate.h>

static bool luo_enabled __ro_after_init;
static bool luo_started __initdata;

/* See the list of locks in luo_internal.h. */
static DECLARE_RWSEM(luo_rwsem);

/*
 * The freeze succeeded. Written with luo_rwsem held for writing. The lock itself
 * is not held until the jump: the kernel does a lot between, and waits for tasks
 * that may wait for this lock.
 */
VISIBLE_IF_KUNIT bool luo_frozen;
static DECLARE_WAIT_QUEUE_HEAD(luo_frozen_wait);

/* A freeze is under way. Written like luo_frozen. */
static bool luo_freezing;

static int __init luo_enable(char *arg)
{
	return kstrtobool(arg, &luo_enabled);
}
early_param("liveupdate", luo_enable);

/**
 * liveupdate_enabled - is live update in use?
 *
 * Return: true when the kernel was booted with liveupdate=on and with KHO.
 */
bool liveupdate_enabled(void)
{
	return luo_enabled && kho_is_enabled();
}
EXPORT_SYMBOL_GPL(liveupdate_enabled);

/**
 * luo_start - find out whether LUO has to be set up
 *
 * Switches live update off when it was asked for but KHO is not there.
 *
 * Return: true when live update is in use.
 */
bool __init luo_start(void)
{
	if (!luo_enabled)
		return false;
	if (!kho_is_enabled()) {
		pr_warn("liveupdate=on has no effect without kexec handover, boot with kho=on as well\n");
		luo_enabled = false;
		return false;
	}
	luo_started = true;
	return true;
}

/**
 * luo_is_started - was LUO set up?
 *
 * Return: true after luo_start() returned true, even if luo_disable() was called
 * since.
 */
bool __init luo_is_started(void)
{
	return luo_started;
}

/**
 * luo_disable - switch live update off until the next reboot
 */
void __init luo_disable(void)
{
	luo_enabled = false;
}

/**
 * luo_enter - begin something that must not run while all is frozen
 *
 * Waits while all is frozen. When the update goes ahead, the wait does not end:
 * the kernel is replaced. Hence the sleep as TASK_IDLE, which counts neither as
 * load nor as a hung task.
 */
void luo_enter(void)
{
	down_read(&luo_rwsem);
	while (luo_frozen) {
		up_read(&luo_rwsem);
		wait_event_idle(luo_frozen_wait, !READ_ONCE(luo_frozen));
		down_read(&luo_rwsem);
	}
}

/**
 * luo_enter_release - begin the close of a session
 *
 * As luo_enter(), but a kernel thread does not wait once all is frozen. Files
 * whose last reference is dropped late are closed by a kernel thread, one after
 * the other, and devices may wait for that when they are shut down.
 *
 * Return: true; or false when the session is written out, and has to be left as
 * it is.
 */
bool luo_enter_release(void)
{
	if (!(current->flags & PF_KTHREAD)) {
		luo_enter();
		return true;
	}

	down_read(&luo_rwsem);
	if (!luo_frozen)
		return true;
	up_read(&luo_rwsem);
	return false;
}

/**
 * luo_exit - end what luo_enter() began
 */
void luo_exit(void)
{
	up_read(&luo_rwsem);
}

/**
 * luo_freeze_begin - wait until no ioctl and no close of a session runs
 *
 * None starts before luo_freeze_end().
 *
 * Return: 0, or -EINTR when killed.
 */
int luo_freeze_begin(void)
{
	int err = down_write_killable(&luo_rwsem);

	if (err)
		return err;
	/* Pairs with liveupdate_goes_ahead(). */
	smp_store_mb(luo_freezing, true);
	return 0;
}

/**
 * luo_freeze_end - end what luo_freeze_begin() began
 * @frozen: all is frozen, and has to stay so
 */
void luo_freeze_end(bool frozen)
{
	if (frozen)
		luo_frozen = true;
	/* Pairs with liveupdate_goes_ahead(). */
	smp_store_release(&luo_freezing, false);
	up_write(&luo_rwsem);
	wake_up_all(&luo_frozen_wait);
}

/**
 * liveupdate_goes_ahead - is it too late to call the live update off?
 *
 * Waits while a freeze is under way. If the answer is no, the &liveupdate_file_ops.freeze
 * of all files that are called later see what the caller has written before.
 *
 * Context: may sleep; with no lock held that a handler takes in
 * &liveupdate_file_ops.freeze
 * Return: true when all is frozen, and the kernel is about to be replaced.
 */
bool liveupdate_goes_ahead(void)
{
	/* Pairs with luo_freeze_begin(). */
	smp_mb();
	/* Pairs with luo_freeze_end(). */
	wait_event_idle(luo_frozen_wait, !smp_load_acquire(&luo_freezing));
	return READ_ONCE(luo_frozen);
}
