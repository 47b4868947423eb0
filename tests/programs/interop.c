// SPDX-License-Identifier: GPL-2.0
/*
 * What an update between two kernels of different make must keep. It knows
 * nothing of the kernel that it runs on but what they have in common.
 *
 *	interop prepare SET	make the files of all cases of this set
 *	interop verify SET	compare what came in with what was made
 *	interop pass SET	the same; and hand it on to the next kernel
 *	interop areas fill	write to the areas of reserve_mem=
 *	interop areas check	compare place and contents of what came in
 *
 * prepare and pass leave processes behind that hold the sessions. Each case has
 * a line of the output: "NAME works" or "NAME fails: WHY"; prepare has one for
 * what fails only.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <sys/utsname.h>
#include <sys/wait.h>

#include "interop.h"

/* All of them but F_SEAL_SEAL and F_SEAL_EXEC. */
#define DATA_SEALS							\
	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

struct test {
	const char *set;
	const char *name;
	unsigned int sessions;	/* if 0, one */
	unsigned int total;	/* so many that the set has this many */
	unsigned int files;	/* in each; -1 for none; if 0, one */
	bool duplicate;		/* then try to create one again */
	bool not_by_peer;	/* it takes more memory than there is */
	struct file file;
};

#define SEALED(_seals)	.file = { .size = 8192, .add_seals = _seals }
#define PLAIN		.file = { .size = 4096 }

static const struct test tests[] = {
	{ "all", "memfd-0", .file = { .size = 0 } },
	{ "all", "memfd-1", .file = { .size = 1 } },
	{ "all", "memfd-3M", .file = { .size = 3 * MIB + 5 } },
	{ "all", "memfd-511M", .file = { .size = 511 * MIB } },
	{ "large", "memfd-1022M", .file = { .size = 1022 * MIB } },
	{ "large", "memfd-1024M", .file = { .size = 1024 * MIB } },
	{ "all", "huge", .file = { .size = 16 * MIB, HUGE } },
	{ "all", "huge-and-rest", .file = { .size = 5 * MIB + 5, HUGE } },
	{ "all", "all-hole", .file = { .size = 64 * MIB, EMPTY } },
	{ "all", "sparse", .file = { .size = 16 * MIB + 4097, SPARSE } },
	{ "all", "sparse-4T", .not_by_peer = true,
	  .file = { .size = (1UL << 42) + 4097, FAR } },
	{ "all", "comb", .file = { .size = 16 * MIB, COMB } },
	{ "all", "unwritten", .file = { .size = 4 * MIB, UNWRITTEN } },
	{ "all", "position", .file = { .size = 16384, .pos = 4097 } },
	{ "all", "position-beyond", .file = { .size = 4096, .pos = 1L << 40 } },
	{ "all", "seal-seal", SEALED(F_SEAL_SEAL) },
	{ "all", "seal-shrink", SEALED(F_SEAL_SHRINK) },
	{ "all", "seal-grow", SEALED(F_SEAL_GROW) },
	{ "all", "seal-write", SEALED(F_SEAL_WRITE) },
	{ "all", "seal-future-write", SEALED(F_SEAL_FUTURE_WRITE) },
	{ "all", "seal-all-but-exec", SEALED(DATA_SEALS | F_SEAL_SEAL) },
	{ "all", "seal-exec", SEALED(F_SEAL_EXEC) },
	{ "all", "seal-all", SEALED(DATA_SEALS | F_SEAL_SEAL | F_SEAL_EXEC) },
	{ "all", "noexec-seal", .file = { .size = 8192,
		.flags = MFD_NOEXEC_SEAL, .seals = F_SEAL_EXEC } },
	{ "all", "unsealable", .file = { .size = 8192,
		.flags = MFD_CLOEXEC, .seals = F_SEAL_SEAL } },
	{ "all", "unlinked", .file = { .size = 16384, UNLINKED, .seals = -1 } },
	{ "all", "files-40", .files = 40, PLAIN },
	{ "all", "files-63", .files = 63, PLAIN },
	{ "all", "files-64", .files = 64, PLAIN },
	{ "all", "files-500", .files = 500, PLAIN },
	{ "all", "empty-sessions", .sessions = 3, .files = -1 },
	/* What a block takes is 51 sessions, and 63 files. */
	{ "all", "sessions-102", .total = 102, PLAIN },
	{ "1", "sessions-1", .total = 1, PLAIN },
	{ "51", "sessions-51", .total = 51, PLAIN },
	{ "duplicate", "sessions-51-duplicate", .total = 51, .duplicate = true,
	  PLAIN },
};

/* Is this mainline's kernel? */
static bool is_peer(void)
{
	struct utsname name;

	return !uname(&name) && strncmp(name.release, "6.12.", 5);
}

/* Sessions and files of a case. */

static bool in_set(const struct test *test, const char *set)
{
	return !strcmp(test->set, set);
}

static unsigned int nr_sessions(const struct test *test)
{
	unsigned int i, others = 0;

	if (!test->total)
		return test->sessions ?: 1;
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (in_set(&tests[i], test->set) && !tests[i].total)
			others += nr_sessions(&tests[i]);
	return test->total - others;
}

static unsigned int nr_files(const struct test *test)
{
	if (test->files == -1U)
		return 0;
	return test->files ?: 1;
}

static void session_name(const struct test *test, unsigned int i, char *name)
{
	snprintf(name, LIVEUPDATE_SESSION_NAME_LENGTH, "%s %u", test->name, i);
}

/* Any 64-bit value is a token. */
static __u64 token_of(unsigned int i)
{
	return i * 0x9e3779b97f4a7c15ULL;
}

static __u64 seed_of(unsigned int session, unsigned int i)
{
	return session * 1000 + i + 1;
}

/* A case, in a process of its own. */

/* The files of one session, in the order of their tokens. */
static bool give(int dev, const struct test *test, unsigned int session,
		 int *fds)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	unsigned int i;
	int luo, err;

	if (test->not_by_peer && is_peer())
		return failed("it is not tried here");
	session_name(test, session, name);
	luo = luo_create(dev, name);
	if (luo < 0)
		return failed("CREATE_SESSION: %s", strerror(-luo));
	for (i = 0; i < nr_files(test); i++) {
		err = luo_preserve_fd(luo, fds[i], token_of(i));
		if (err)
			return failed("PRESERVE_FD: %s", strerror(-err));
		/* The position counts that it has at the update. */
		lseek(fds[i], test->file.pos, SEEK_SET);
		close(fds[i]);
	}
	if (test->duplicate && luo_create(dev, name) != -EEXIST)
		return failed("a second session of a name is not refused");
	return true;
}

static bool prepare(int dev, const struct test *test)
{
	int fds[512];
	unsigned int session, i;

	for (session = 0; session < nr_sessions(test); session++) {
		for (i = 0; i < nr_files(test); i++) {
			fds[i] = interop_make_file(&test->file, seed_of(session, i));
			if (fds[i] < 0)
				return false;
		}
		if (!give(dev, test, session, fds))
			return false;
	}
	return true;
}

/* Files in another order than they were preserved in; -1 for what is lost. */
static bool take(int dev, const struct test *test, unsigned int session,
		 int *fds)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	unsigned int i, n, nr = nr_files(test);
	int luo, err;

	for (i = 0; i < nr; i++)
		fds[i] = -1;
	session_name(test, session, name);
	luo = luo_retrieve(dev, name);
	if (luo < 0)
		return failed("RETRIEVE_SESSION: %s", strerror(-luo));
	for (i = 0; i < nr; i++) {
		n = i * 7919UL % nr;	/* a prime: each number once */
		fds[n] = luo_retrieve_fd(luo, token_of(n));
		if (fds[n] < 0) {
			failed("RETRIEVE_FD: %s", strerror(-fds[n]));
			continue;
		}
		interop_file_is_kept(fds[n], &test->file, seed_of(session, n));
	}
	err = luo_finish(luo);
	if (err)
		failed("FINISH: %s", strerror(-err));
	close(luo);
	return !why[0];
}

/* What is not as it was is handed on, too, if it is there. */
static void verify(int dev, const struct test *test, bool pass)
{
	unsigned int session, i;
	int fds[512];

	if (test->not_by_peer && is_peer())
		pass = false;
	for (session = 0; session < nr_sessions(test); session++) {
		take(dev, test, session, fds);
		for (i = 0; i < nr_files(test); i++) {
			if (fds[i] < 0)
				pass = false;
			else if (!pass)
				close(fds[i]);
		}
		if (pass)
			pass = give(dev, test, session, fds);
	}
}

static void run(const struct test *test, const char *verb, int ready)
{
	int dev = luo_open();

	if (dev < 0) {
		failed("open: %s", strerror(-dev));
		tell(test->name);
		exit(1);
	}
	if (!strcmp(verb, "prepare")) {
		if (!prepare(dev, test))
			tell(test->name);
	} else {
		verify(dev, test, !strcmp(verb, "pass"));
		tell(test->name);
	}
	if (!strcmp(verb, "verify")) {
		close(dev);
		exit(0);
	}
	luo_be_holder(dev, ready);
}

/* The next one opens the device when this has closed it. */
static void in_child(const struct test *test, const char *verb)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		exit(1);
	pid = fork();
	if (!pid) {
		close(ready[0]);
		run(test, verb, ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) > 0)
		exit(1);
	close(ready[0]);
}

static int run_set(const char *verb, const char *set)
{
	unsigned int i;

	luo_raise_nofile(1 << 16);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (in_set(&tests[i], set))
			in_child(&tests[i], verb);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: interop prepare|verify|pass|areas ...\n");
		return 2;
	}
	if (!strcmp(argv[1], "areas"))
		return interop_run_areas(argv[2]);
	return run_set(argv[1], argv[2]);
}
