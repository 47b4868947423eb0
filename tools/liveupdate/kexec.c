// SPDX-License-Identifier: GPL-2.0
/*
 * The next kernel: loading it, and entering it.
 *
 * To load it takes a while, in which the agent has to answer. So a child does it:
 * it opens and unpacks the files, and has the kernel read and verify them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kexec.h>
#include <linux/reboot.h>
#include <systemd/sd-daemon.h>

#include "child.h"
#include "clock.h"
#include "kexec.h"
#include "kexec_image.h"
#include "kmsg.h"
#include "message.h"
#include "util.h"

/**
 * struct loader - the child that loads, of which there is one at a time
 * @pid:   the child, 0 when there is none
 * @next:  what it loads; strings of the caller
 * @before: a kernel was loaded before, by somebody else
 * @cancelled: it is loaded for nobody
 * @done:  whom to tell; NULL when nobody waits any more
 * @user:  for @done
 * @pipe:  what the child writes its result to
 * @kmsg:  what the kernel says meanwhile
 * @exit:  event source of the child's exit
 * @limit: event source of the time limit
 */
static struct loader {
	pid_t pid;
	struct next_kernel next;
	bool before;
	bool cancelled;
	kexec_done_t done;
	void *user;
	int pipe;
	int kmsg;
	sd_event_source *exit;
	sd_event_source *limit;
} loader;

/* What the child writes to its pipe; the last one counts. */
static void tell(int fd, const struct kexec_result *result)
{
	if (write(fd, result, sizeof(*result)) != sizeof(*result))
		_exit(EXIT_FAILURE);
}

static void load(const struct next_kernel *next, struct kexec_result *result,
		 int fd)
{
	int kernel, initrd = -1;
	unsigned long flags = 0;

	kernel = kexec_image_open(next->kernel, result);
	if (kernel < 0)
		return;
	if (next->initrd) {
		initrd = kexec_initrd_open(next->initrd, result);
		if (initrd < 0)
			return;
	} else {
		flags = KEXEC_FILE_NO_INITRAMFS;
	}
	result->step = KEXEC_LOAD;
	/* Should we be killed, it may have been loaded all the same. */
	result->err = EINPROGRESS;
	tell(fd, result);
	result->err = 0;
	if (syscall(SYS_kexec_file_load, kernel, initrd,
		    strlen(next->cmdline) + 1, next->cmdline, flags))
		result->err = errno;
}

/* The child: without the agent's descriptors, and not longer than the agent. */
static void be_loader(const struct next_kernel *next, int fd)
{
	struct kexec_result result;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(fd, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	load(next, &result, STDERR_FILENO + 1);
	tell(STDERR_FILENO + 1, &result);
	_exit(EXIT_SUCCESS);
}

static void report(const struct next_kernel *next,
		   const struct kexec_result *result)
{
	const char *error = strerror(result->err);
	const char *advice = kexec_advice(result);

	switch (result->step) {
	case KEXEC_OPEN_KERNEL:
		pr_err("cannot read the kernel %s: %s: %s", next->kernel,
		       error, advice);
		break;
	case KEXEC_UNPACK:
		pr_err("cannot unpack the kernel %s: %s: %s", next->kernel,
		       error, advice);
		break;
	case KEXEC_OPEN_INITRD:
		pr_err("cannot read the initramfs %s: %s: %s", next->initrd,
		       error, advice);
		break;
	case KEXEC_LOAD:
		pr_err("cannot load the kernel %s%s%s: %s: %s", next->kernel,
		       next->initrd ? " with " : "", next->initrd ?: "", error,
		       advice);
		break;
	}
}

static void close_loader(void)
{
	sd_event_source_disable_unref(loader.exit);
	sd_event_source_disable_unref(loader.limit);
	close(loader.pipe);
	if (loader.kmsg >= 0)
		close(loader.kmsg);
	loader = (struct loader){ };
}

/* The child was killed as the kernel was loading; that may have gone on. */
static void clean_up(void)
{
	if (!kexec_is_loaded())
		return;
	if (!loader.before)
		kexec_unload();
	else
		pr_warn("a kernel was loaded before, and it is not known whether it still is, or the next one: load yours again, or unload what there is by kexec -s -u");
}

/* Is the next kernel loaded by the child, which has ended? */
static bool collect(void)
{
	struct kexec_result result = { };
	bool began = false;

	while (read(loader.pipe, &result, sizeof(result)) == sizeof(result))
		began = true;
	if (began && result.err != EINPROGRESS) {
		if (!loader.cancelled && result.err)
			report(&loader.next, &result);
		return !result.err;
	}
	if (!loader.cancelled)
		pr_err("the process that loads the kernel was killed: free some memory and try again");
	if (began)
		clean_up();
	return false;
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *user)
{
	struct loader ended = loader;
	bool loaded;

	(void)source;
	(void)si;
	(void)user;
	kmsg_report(loader.kmsg);
	loaded = collect();
	close_loader();
	if (loaded && ended.cancelled)
		kexec_unload();
	if (ended.done)
		ended.done(ended.user, loaded);
	return 0;
}

/* It may be in the kernel for longer: then nobody waits for it. */
static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
	kexec_done_t done = loader.done;

	(void)source;
	(void)usec;
	pr_err("the kernel %s is not loaded in time: see if a disk or a file system hangs, and dmesg",
	       loader.next.kernel);
	kmsg_report(loader.kmsg);
	kexec_load_cancel(NULL, NULL);
	done(user, false);
	return 0;
}

static int watch(sd_event *event, int seconds)
{
	int err = sd_event_add_child(event, &loader.exit, loader.pid, WEXITED,
				     on_child, loader.user);

	if (err >= 0)
		err = sd_event_add_time_relative(event, &loader.limit,
						 CLOCK_MONOTONIC,
						 seconds * USEC_PER_SEC, 0,
						 on_limit, loader.user);
	return err;
}

/* Fork the child; returns an errno. */
static int start(const struct next_kernel *next)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return errno;
	loader.pid = fork();
	if (!loader.pid)
		be_loader(next, fds[1]);
	close(fds[1]);
	if (loader.pid < 0) {
		loader.pid = 0;
		close(fds[0]);
		return errno;
	}
	loader.pipe = fds[0];
	return 0;
}

/*
 * Begin to load the next kernel. Unless this fails, @done is called later; @next
 * is not freed until then, or until kexec_load_cancel().
 */
int kexec_load(sd_event *event, const struct next_kernel *next, int seconds,
	       kexec_done_t done, void *user)
{
	bool before = kexec_is_loaded();
	int kmsg, err;

	if (loader.pid) {
		pr_err("process %d is still loading the kernel of an update that failed: try again when it has ended",
		       loader.pid);
		return -1;
	}
	kmsg = kmsg_open();
	err = start(next);
	if (err) {
		pr_err("cannot load the next kernel: %s: free some memory and try again",
		       strerror(err));
		if (kmsg >= 0)
			close(kmsg);
		return -1;
	}
	loader.next = *next;
	loader.before = before;
	loader.done = done;
	loader.user = user;
	loader.kmsg = kmsg;
	err = watch(event, seconds);
	if (err >= 0)
		return 0;
	pr_err("cannot watch process %d: %s: free some memory and try again",
	       loader.pid, strerror(-err));
	kill(loader.pid, SIGKILL);
	waitpid(loader.pid, NULL, 0);
	close_loader();
	return -1;
}

/*
 * Nobody waits for the next kernel any more: it is unloaded again. Returns false if
 * none is being loaded. Else @gone is told, unless it is NULL, when that has ended,
 * and whether it had succeeded.
 */
bool kexec_load_cancel(kexec_done_t gone, void *user)
{
	if (!loader.pid)
		return false;
	kill(loader.pid, SIGKILL);
	loader.cancelled = true;
	loader.done = gone;
	loader.user = user;
	loader.limit = sd_event_source_disable_unref(loader.limit);
	return true;
}

void next_kernel_free(struct next_kernel *next)
{
	free(next->kernel);
	free(next->initrd);
	free(next->cmdline);
}

/* Has anybody loaded a next kernel? */
bool kexec_is_loaded(void)
{
	int fd = open("/sys/kernel/kexec_loaded", O_RDONLY | O_CLOEXEC);
	char c = '0';

	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = '0';
	close(fd);
	return c == '1';
}

/* There is no next kernel any more. */
void kexec_unload(void)
{
	if (syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, KEXEC_FILE_UNLOAD))
		pr_err("cannot unload the next kernel: %s: unload it by kexec -s -u, lest it is entered without the services",
		       strerror(errno));
}

static const char *advise(int err)
{
	switch (err) {
	case EPERM:
		return "run lukeep as root";
	case EINVAL:
		return "who unloaded the next kernel?";
	case EOPNOTSUPP:
		return "who loaded another kernel, which gets nothing of the services' memory?";
	default:
		return "dmesg says who refused; then try again";
	}
}

/**
 * struct jump - systemctl, which is asking systemd to enter the next kernel
 * @exit: event source of its exit
 * @done: whom to tell
 * @user: for @done
 */
static struct jump {
	sd_event_source *exit;
	kexec_done_t done;
	void *user;
} jump;

static int on_systemctl(sd_event_source *source, const siginfo_t *si,
			void *user)
{
	bool ok = child_succeeded(si);

	(void)source;
	(void)user;
	jump.exit = sd_event_source_disable_unref(jump.exit);
	if (!ok)
		pr_err("\"systemctl kexec\" %s: see what it says; --now does without it",
		       child_status(si));
	jump.done(jump.user, ok);
	return 0;
}

/* It may take its time, in which we have to answer. */
static int ask_systemd(sd_event *event)
{
	char *const systemctl[] = { "systemctl", "kexec", "--no-block", NULL };
	pid_t pid = child_start(systemctl);
	siginfo_t si = { };
	int err = errno;

	if (pid < 0) {
		pr_err("cannot run systemctl: %s: free some memory and try again",
		       strerror(err));
		return -1;
	}
	if (sd_event_add_child(event, &jump.exit, pid, WEXITED, on_systemctl,
			       NULL) >= 0)
		return 0;
	/* It may have asked already: nothing else can be done now. */
	waitid(P_PID, pid, &si, WEXITED);
	on_systemctl(NULL, &si, NULL);
	return 0;
}

/*
 * Enter the next kernel. Returns 0 when systemd is asked to, who shuts the system
 * down first: then @done is told whether it has been. -1 when it is not possible.
 */
int kexec_jump(sd_event *event, bool now, kexec_done_t done, void *user)
{
	if (sd_booted() > 0 && !now) {
		jump.done = done;
		jump.user = user;
		return ask_systemd(event);
	}
	sync();
	reboot(LINUX_REBOOT_CMD_KEXEC);
	pr_err("the kernel refused: %s: %s", strerror(errno), advise(errno));
	return -1;
}
