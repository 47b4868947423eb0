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
#include <linux/falloc.h>
#include <linux/kernel-page-flags.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "luo_util.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

#define MIB		(1024 * 1024UL)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define PUNCH_HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define THP_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define SUB_FDTS	"/sys/kernel/debug/kho/%s/sub_fdts/memblock"

/* All of them but F_SEAL_SEAL and F_SEAL_EXEC. */
#define DATA_SEALS							\
	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

enum layout {
	FULL,		/* all of it is written */
	EMPTY,		/* nothing is, it has but its size */
	SPARSE,		/* some pages apart */
	FAR,		/* some pages far apart */
	COMB,		/* every second page */
	UNWRITTEN,	/* all of it is allocated, the second page is written */
	HUGE,		/* as FULL, of huge pages */
	UNLINKED,	/* as FULL, a file without a name on tmpfs */
};

struct file {
	size_t size;
	enum layout layout;
	off_t pos;
	unsigned int flags;	/* of memfd_create(); MFD_ALLOW_SEALING if 0 */
	int add_seals;
	int seals;		/* it has besides; -1 if that does not matter */
};

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

/* What a case has failed of, if it has. */
static char why[256];

static bool failed(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!why[0])
		vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return false;
}

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

/* Does the file begin with a page that is the first of several? */
static bool is_huge(int fd)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	int flags_of = open("/proc/kpageflags", O_RDONLY);
	char *map = luo_map(fd, 0, 2 * MIB);
	__u64 frame = 0, flags = 0;

	if (map != MAP_FAILED) {
		madvise(map, PAGE, MADV_POPULATE_READ);
		if (pread(pagemap, &frame, 8, (unsigned long)map / PAGE * 8) == 8)
			frame &= (1ULL << 55) - 1;
		if (pread(flags_of, &flags, 8, frame * 8) != 8)
			flags = 0;
		munmap(map, 2 * MIB);
	}
	close(pagemap);
	close(flags_of);
	return flags >> KPF_COMPOUND_HEAD & 1;
}

/* Contents */

/* In pages of 4 KiB; the last is the end of the file. */
static const off_t pages_apart[] = { 0, 1, 5, 511, 512, 4096, -1 };
static const off_t pages_far_apart[] = {
	0, 1, 5, 511, 512, 4097, 1 << 20, (1 << 30) - 1, 1 << 30, -1,
};

static bool fill(int fd, const struct file *file, __u64 seed)
{
	const size_t page = 4096;
	const off_t *at;
	unsigned int i;
	off_t hole;

	switch (file->layout) {
	case EMPTY:
		return true;
	case SPARSE:
	case FAR:
		at = file->layout == SPARSE ? pages_apart : pages_far_apart;
		for (i = 0; at[i] >= 0; i++)
			if (luo_fill(fd, at[i] * page, page, seed + i))
				return false;
		return true;
	case COMB:
		if (luo_fill(fd, 0, file->size, seed))
			return false;
		for (hole = 0; hole < (off_t)file->size; hole += 2 * PAGE)
			if (fallocate(fd, PUNCH_HOLE, hole, PAGE))
				return false;
		return true;
	case UNWRITTEN:
		return !fallocate(fd, 0, 0, file->size) &&
		       !luo_fill(fd, page, page, seed);
	default:
		return !luo_fill(fd, 0, (file->size + 7) & ~7UL, seed);
	}
}

static bool sparse_is_filled(int fd, const off_t *at, __u64 seed)
{
	const size_t page = 4096;
	unsigned int i;

	for (i = 0; at[i] >= 0; i++) {
		if (!luo_filled(fd, at[i] * page, page, seed + i))
			return false;
		if (at[i + 1] > at[i] + 1 &&
		    !luo_zero(fd, (at[i] + 1) * page, page))
			return false;
	}
	return true;
}

static bool comb_is_filled(int fd, size_t size, __u64 seed)
{
	size_t at;

	for (at = 0; at < size; at += 2 * PAGE)
		if (!luo_zero(fd, at, PAGE) ||
		    !luo_filled(fd, at + PAGE, PAGE, seed))
			return false;
	return true;
}

/* The last page has zeroes behind the end, which the file shows as it grows. */
static bool tail_is_filled(int fd, size_t size, __u64 seed)
{
	__u64 expected = luo_word(seed, size / 8), got = 0;
	size_t len = size % 8;

	return !len || (pread(fd, &got, len, size - len) == (ssize_t)len &&
			!memcmp(&got, &expected, len));
}

static bool is_filled(int fd, const struct file *file, __u64 seed)
{
	const size_t page = 4096;

	switch (file->layout) {
	case EMPTY:
		return luo_zero(fd, 0, MIB) &&
		       luo_zero(fd, file->size - MIB, MIB);
	case SPARSE:
		return sparse_is_filled(fd, pages_apart, seed);
	case FAR:
		return sparse_is_filled(fd, pages_far_apart, seed);
	case COMB:
		return comb_is_filled(fd, file->size, seed);
	case UNWRITTEN:
		return luo_zero(fd, 0, page) && luo_filled(fd, page, page, seed) &&
		       luo_zero(fd, 2 * page, file->size - 2 * page);
	default:
		return luo_filled(fd, 0, file->size & ~7UL, seed) &&
		       tail_is_filled(fd, file->size, seed);
	}
}

/* Files */

static int new_file(const struct file *file)
{
	if (file->layout == UNLINKED)
		return open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return memfd_create("interop", MFD_CLOEXEC |
			    (file->flags ?: MFD_ALLOW_SEALING));
}

static int make_file(const struct file *file, __u64 seed)
{
	int fd;

	if (file->layout == HUGE && !luo_write_text(THP_ENABLED, "always"))
		return failed("cannot ask for huge pages"), -1;
	fd = new_file(file);
	if (fd < 0)
		return failed("cannot make the file: %m"), -1;
	if (!fill(fd, file, seed) || ftruncate(fd, file->size))
		return failed("cannot write the file: %m"), -1;
	if (file->layout == HUGE) {
		luo_write_text(THP_ENABLED, "never");
		if (!is_huge(fd))
			return failed("it has got no huge pages"), -1;
	}
	/* One that may be executed gets more seals with F_SEAL_EXEC. */
	if (file->add_seals &&
	    (fchmod(fd, 0600) || fcntl(fd, F_ADD_SEALS, file->add_seals)))
		return failed("cannot seal the file: %m"), -1;
	return fd;
}

static bool seals_are_kept(int fd, const struct file *file)
{
	const int expected = file->add_seals | file->seals;
	const bool writable = !(expected & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	bool mapped;
	void *map;

	if (fstat(fd, &st))
		return failed("fstat(): %m");
	if (seals != expected)
		return failed("its seals are %#x instead of %#x, its mode is %o",
			      seals, expected, st.st_mode & 0777);
	if (expected & F_SEAL_EXEC && st.st_mode & 0111)
		return failed("its mode is %o despite of F_SEAL_EXEC",
			      st.st_mode & 0777);
	if (!file->size)
		return true;
	map = luo_map(fd, 0, PAGE);
	mapped = map != MAP_FAILED;
	if (mapped)
		munmap(map, PAGE);
	if (mapped != writable)
		return failed("it can%s be mapped writable", writable ? "not" : "");
	return true;
}

static bool file_is_kept(int fd, const struct file *file, __u64 seed)
{
	off_t pos = lseek(fd, 0, SEEK_CUR);

	if (luo_size(fd) != (off_t)file->size)
		return failed("its size is %ld", (long)luo_size(fd));
	if (pos != file->pos)
		return failed("its position is %ld", (long)pos);
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return failed("it is not open for reading and writing");
	if (!is_filled(fd, file, seed))
		return failed("its contents differ");
	if (file->layout == HUGE && !is_huge(fd))
		return failed("its huge pages have come back as small ones");
	return file->seals == -1 || seals_are_kept(fd, file);
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
			fds[i] = make_file(&test->file, seed_of(session, i));
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
		file_is_kept(fds[n], &test->file, seed_of(session, n));
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

static void tell(const char *name)
{
	if (why[0])
		printf("%s fails: %s\n", name, why);
	else
		printf("%s works\n", name);
	fflush(stdout);
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

/* Areas of reserve_mem=: a flattened tree has a node with "start" for each. */

struct area {
	char name[32];
	__u64 start;
	__u64 size;
};

static __u32 cell(const char *at)
{
	return ntohl(*(const __u32 *)at);
}

static size_t aligned(size_t len)
{
	return (len + 3) & ~3UL;
}

static const char *read_property(const char *at, const char *strings,
				 struct area *area)
{
	const char *name = strings + cell(at + 8);
	__u32 len = cell(at + 4);

	if (!strcmp(name, "start") && len == 8)
		memcpy(&area->start, at + 12, 8);
	if (!strcmp(name, "size") && len == 8)
		memcpy(&area->size, at + 12, 8);
	return at + 12 + aligned(len);
}

/* What this kernel hands over ("out") or has got ("in"); how many. */
static int read_areas(const char *direction, struct area *areas, int max)
{
	char path[128], fdt[8192];
	const char *at;
	int fd, nr = 0;

	snprintf(path, sizeof(path), SUB_FDTS, direction);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, fdt, sizeof(fdt)) <= 0)
		return 0;
	close(fd);
	memset(areas, 0, max * sizeof(*areas));
	for (at = fdt + cell(fdt + 8); cell(at) != 9;) {
		if (cell(at) == 1) {
			snprintf(areas[nr].name, sizeof(areas[nr].name), "%s", at + 4);
			at += 4 + aligned(strlen(at + 4) + 1);
		} else if (cell(at) == 3) {
			at = read_property(at, fdt + cell(fdt + 12), &areas[nr]);
		} else {
			if (cell(at) == 2 && areas[nr].start && nr < max - 1)
				nr++;
			at += 4;
		}
	}
	return nr;
}

static bool area_is_kept(int mem, const struct area *area,
			 const struct area *came, int nr_came)
{
	int i;

	for (i = 0; i < nr_came; i++)
		if (!strcmp(came[i].name, area->name))
			break;
	if (i == nr_came)
		return failed("%s did not come in", area->name);
	if (came[i].start != area->start || came[i].size != area->size)
		return failed("%s is at %#llx, was at %#llx", area->name,
			      area->start, came[i].start);
	/* Others have users of their own. */
	if (!strncmp(area->name, "plain", 5) &&
	    !luo_filled(mem, area->start, area->size & ~7ULL, 77))
		return failed("the contents of %s differ", area->name);
	return true;
}

/* Those whose size is a number of pages, or the @odd ones. */
static void tell_areas(const char *name, bool odd, int mem,
		       const struct area *out, int nr_out,
		       const struct area *in, int nr_in)
{
	int i;

	why[0] = '\0';
	for (i = 0; i < nr_out; i++)
		if ((out[i].size % PAGE != 0) == odd)
			area_is_kept(mem, &out[i], in, nr_in);
	tell(name);
}

static int run_areas(const char *verb)
{
	struct area out[16], in[16];
	int mem = open("/dev/mem", O_RDWR);
	int nr_out = read_areas("out", out, ARRAY_SIZE(out));
	int nr_in, i;

	if (mem < 0 || !nr_out)
		failed("no areas are handed over");
	if (!strcmp(verb, "fill")) {
		for (i = 0; i < nr_out; i++)
			if (!strncmp(out[i].name, "plain", 5) &&
			    luo_fill(mem, out[i].start, out[i].size & ~7ULL, 77))
				failed("cannot write to %s", out[i].name);
		if (why[0])
			tell("reserve-mem");
		return 0;
	}
	nr_in = read_areas("in", in, ARRAY_SIZE(in));
	tell_areas("reserve-mem", false, mem, out, nr_out, in, nr_in);
	tell_areas("reserve-mem-odd", true, mem, out, nr_out, in, nr_in);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: interop prepare|verify|pass|areas ...\n");
		return 2;
	}
	if (!strcmp(argv[1], "areas"))
		return run_areas(argv[2]);
	return run_set(argv[1], argv[2]);
}
