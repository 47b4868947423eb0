// SPDX-License-Identifier: GPL-2.0
/*
 * The live update of a virtual machine's host, as far as it is between the
 * monitor and the kernel: an example for authors of monitors to copy from.
 *
 *	luo_monitor NAME [huge]
 *
 * goes on with the guest of this name that the previous kernel handed over, or
 * boots it if there is none, and has it ready for the next kernel. The RAM of a
 * guest that is booted can be of huge pages of hugetlbfs.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/liveupdate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_HUGETLB
#define MFD_HUGETLB	0x0004U
#endif

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB	(21U << 26)
#endif

/* By these numbers both monitors know the memfds of a session. */
#define TOKEN_RAM	1
#define TOKEN_STATE	2

#define RAM_SIZE	(4UL << 20)
#define RAM_WORDS	(RAM_SIZE / sizeof(__u64))

#define STATE_FORMAT	"luo_monitor"
#define STATE_VERSION	1

/* All of the guest but its RAM, for a monitor that may be of another version. */
struct state {
	char	format[16];
	__u32	version;
	__u32	size;
	__u64	ram_size;
	__u64	rounds;
};

/* In place of a machine: a guest that counts, in each word of its RAM. */
struct guest {
	int	ram_fd;
	int	state_fd;
	__u64	*ram;
	__u64	rounds;
};

/* The errors with which something can be done. */
static const struct {
	const char	*call;
	int		err;
	const char	*advice;
} advices[] = {
	{ "open", ENOENT, "boot with kho=on liveupdate=on" },
	{ "open", EACCES, "be root, or be handed a session by who is" },
	{ "open", EIO, "nothing can be had from the previous kernel" },
	{ "memfd_create", ENODEV, "take huge pages that this machine has" },
	{ "fallocate", ENOSPC, "the pool is too small: raise hugepages=" },
	{ "create", EEXIST, "another monitor holds a guest of this name" },
	{ "preserve", EBUSY, "the memfd is in another session" },
	{ "preserve", ENOENT, "the kernel needs CONFIG_LIVEUPDATE_MEMFD" },
	{ "preserve", ENOMEM, "run on, and try again with more free memory" },
	{ "preserve", EOPNOTSUPP, "pages can neither stay nor be moved" },
	{ "retrieve session", EINVAL, "another monitor has taken the guest" },
	{ "retrieve session", EIO, "it is damaged: boot the guest afresh" },
	{ "retrieve file", ENOENT, "this is not a guest of ours" },
	{ "retrieve file", EINVAL, "it is damaged: boot the guest afresh" },
	{ "retrieve file", ENODEV, "this kernel lacks huge pages of that size" },
	{ "state", EINVAL, "another monitor, or another version, wrote it" },
	{ "finish", EIO, "pages of the guest are lost: it must not go on" },
};

static int failed(const char *call)
{
	int err = errno;
	size_t i;

	fprintf(stderr, "luo_monitor: %s: %s\n", call, strerror(err));
	for (i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		if (advices[i].err == err && !strcmp(advices[i].call, call))
			fprintf(stderr, "luo_monitor: %s\n", advices[i].advice);
	}
	return -1;
}

/* This closes a retrieved session, and so gives up what is in it. */
static void die(const char *call)
{
	failed(call);
	exit(1);
}

/* One process at a time can have it open: others do for the time of a call. */
static int open_device(void)
{
	int device;

	do {
		device = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);
	} while (device < 0 && errno == EBUSY && !usleep(1000));
	if (device < 0)
		die("open");
	return device;
}

static int create_session(const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };
	int device = open_device();

	memcpy(arg.name, name, strlen(name));
	if (ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg))
		arg.fd = failed("create");
	close(device);
	return arg.fd;
}

/* Or -1 if no such session came in. */
static int retrieve_session(const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };
	int device = open_device();

	memcpy(arg.name, name, strlen(name));
	if (ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg)) {
		if (errno != ENOENT)
			die("retrieve session");
		arg.fd = -1;
	}
	close(device);
	return arg.fd;
}

static int preserve_file(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg),
		.fd = fd,
		.token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg))
		return failed("preserve");
	return 0;
}

static int retrieve_file(int session, __u64 token)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg),
		.token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg))
		die("retrieve file");
	return arg.fd;
}

static void finish(int session)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	if (ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg))
		die("finish");
	close(session);
}

/*
 * With all its memory: what is preserved cannot grow, and a hole that is touched
 * later may find the pool of huge pages empty, which is a SIGBUS. The size is a
 * multiple of that of the pages.
 */
static int new_memfd(const char *name, size_t size, unsigned int pages)
{
	int fd = memfd_create(name, MFD_CLOEXEC | pages);

	if (fd < 0)
		die("memfd_create");
	if (ftruncate(fd, size) || fallocate(fd, 0, 0, size))
		die("fallocate");
	return fd;
}

static void map_ram(struct guest *guest)
{
	guest->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  guest->ram_fd, 0);
	if (guest->ram == MAP_FAILED)
		die("mmap");
}

/* In place of KVM_RUN. */
static void run(struct guest *guest)
{
	size_t i;

	for (i = 0; i < RAM_WORDS; i++) {
		if (guest->ram[i]++ != guest->rounds) {
			errno = EIO;
			die("RAM");
		}
	}
	guest->rounds++;
}

static void save(struct guest *guest)
{
	struct state state = {
		.format = STATE_FORMAT,
		.version = STATE_VERSION,
		.size = sizeof(state),
		.ram_size = RAM_SIZE,
		.rounds = guest->rounds,
	};

	if (pwrite(guest->state_fd, &state, sizeof(state), 0) != sizeof(state))
		die("pwrite");
}

/* A guest with half of its state damages its data: all of it, or nothing. */
static void load(struct guest *guest)
{
	struct state state = { };

	if (pread(guest->state_fd, &state, sizeof(state), 0) < 0)
		die("pread");
	if (memcmp(state.format, STATE_FORMAT, sizeof(STATE_FORMAT)) ||
	    state.version != STATE_VERSION || state.size != sizeof(state) ||
	    state.ram_size != RAM_SIZE ||
	    lseek(guest->ram_fd, 0, SEEK_END) != RAM_SIZE) {
		errno = EINVAL;
		die("state");
	}
	guest->rounds = state.rounds;
}

/* The state is written with pwrite(), which files of hugetlbfs do not have. */
static void boot(struct guest *guest, unsigned int pages)
{
	guest->ram_fd = new_memfd("ram", RAM_SIZE, pages);
	guest->state_fd = new_memfd("state", sizeof(struct state), 0);
	guest->rounds = 0;
	map_ram(guest);
	run(guest);
}

/* Finish waits for pages that the guest does not, so it comes last. */
static void resume(struct guest *guest, int session)
{
	guest->ram_fd = retrieve_file(session, TOKEN_RAM);
	guest->state_fd = retrieve_file(session, TOKEN_STATE);
	load(guest);
	map_ram(guest);
	run(guest);
	finish(session);
}

/*
 * What takes its time, or can fail, is done while the guest runs. Nothing is
 * lost if it does fail: the guest goes on, and it can be tried again.
 */
static int hand_over(struct guest *guest, const char *name)
{
	int session = create_session(name);

	if (session < 0)
		return -1;
	if (preserve_file(session, guest->ram_fd, TOKEN_RAM) ||
	    preserve_file(session, guest->state_fd, TOKEN_STATE)) {
		close(session);
		return -1;
	}
	run(guest);
	save(guest);
	return session;
}

int main(int argc, char **argv)
{
	unsigned int pages = argc > 2 ? MFD_HUGETLB | MFD_HUGE_2MB : 0;
	struct guest guest;
	int session;

	if (argc < 2 || argc > 3 || (argc > 2 && strcmp(argv[2], "huge")) ||
	    strlen(argv[1]) >= LIVEUPDATE_SESSION_NAME_LENGTH) {
		fprintf(stderr, "usage: luo_monitor NAME [huge]\n");
		return 2;
	}
	setlinebuf(stdout);
	session = retrieve_session(argv[1]);
	if (session < 0)
		boot(&guest, pages);
	else
		resume(&guest, session);
	printf("%s: %s\n", argv[1], session < 0 ? "booted" : "resumed");

	session = hand_over(&guest, argv[1]);
	if (session < 0) {
		run(&guest);
		printf("%s: goes on in this kernel\n", argv[1]);
		return 1;
	}
	printf("%s: ready for the next kernel after %llu rounds\n", argv[1],
	       guest.rounds);

	/* The session has to be open at the time of the kexec. */
	for (;;)
		pause();
}
