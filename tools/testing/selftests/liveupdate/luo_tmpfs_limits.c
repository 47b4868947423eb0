// SPDX-License-Identifier: GPL-2.0
/*
 * Mounts of tmpfs at limits: memory that failed, a memory cgroup that is full, many
 * names, and a task that is killed. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/kernel-page-flags.h>

#include "luo_tmpfs_update.h"

#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

/* Memory that failed: just that page is lost, and nothing is missing. */
static void poison(struct __test_metadata *const _metadata, int fd, size_t page)
{
	pid_t pid = fork();
	char *map;

	ASSERT_LE(0, pid);
	if (!pid) {
		map = luo_map(fd, page * PAGE, PAGE);
		_exit(madvise(map, PAGE, MADV_HWPOISON) ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_F(prepare, poisoned)
{
	int session = luo_create(self->dev, "poisoned"), dir, fd;

	ASSERT_LE(0, session);
	tmpfs_mount(_metadata, "/poisoned", "size=64m");
	dir = tmpfs_open("/poisoned");
	ASSERT_LE(0, dir);
	tmpfs_fill(_metadata, dir, "file", 0, 4, 21);
	fd = openat(dir, "file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	poison(_metadata, fd, 1);
	close(fd);
	ASSERT_EQ(0, tmpfs_remount("/poisoned", MS_RDONLY));
	luo_give(_metadata, session, dir, 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, poisoned)
{
	int mnt = luo_take_one(_metadata, self->dev, "poisoned");
	int fd = openat(mnt, "file", O_RDONLY | O_CLOEXEC);
	char c;

	ASSERT_LE(0, fd);
	EXPECT_EQ(4 * PAGE, luo_size(fd));
	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 21));
	EXPECT_EQ(-EIO, luo_result(pread(fd, &c, 1, PAGE)));
	EXPECT_TRUE(luo_filled(fd, 2 * PAGE, 2 * PAGE, 21));
}

/* Symlinks with a page each. */
#define NR_LINKS	64
#define TARGET		1000

/* The flags of all page frames. */
static __u64 *all_flags(struct __test_metadata *const _metadata, size_t *nr)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	size_t have = 0, room = 1 << 20;
	char *flags = malloc(room);
	ssize_t n;

	ASSERT_LE(0, fd);
	while ((n = read(fd, flags + have, room - have)) > 0) {
		have += n;
		if (have == room) {
			room *= 2;
			flags = realloc(flags, room);
		}
		ASSERT_NE(NULL, flags);
	}
	close(fd);
	*nr = have / sizeof(__u64);
	return (__u64 *)flags;
}

/* A page of a file of tmpfs, or the like, that nobody has mapped, and that is good. */
static bool is_cached(__u64 flags)
{
	const __u64 not = 1ULL << KPF_MMAP | 1ULL << KPF_ANON |
			  1ULL << KPF_HWPOISON | 1ULL << KPF_NOPAGE;

	return flags & (1ULL << KPF_SWAPBACKED) && !(flags & not);
}

/* How many links have their targets; *@lost is one that has not. */
static int targets(int dir, int *lost)
{
	char name[8], target[TARGET + 1];
	int i, there = 0;

	for (i = 0; i < NR_LINKS; i++) {
		sprintf(name, "%d", i);
		if (readlinkat(dir, name, target, sizeof(target)) == TARGET &&
		    target[0] == 'a' + i % 26 && target[TARGET - 1] == target[0])
			there++;
		else
			*lost = i;
	}
	return there;
}

/*
 * Have the page of one more link fail. Nothing tells where it is: try what has
 * become a page of a file since @before was read.
 */
static void poison_link(struct __test_metadata *const _metadata, int dir,
			const __u64 *before, size_t nr, int *lost)
{
	const int there = targets(dir, lost);
	size_t frame;

	for (frame = 0; frame < nr; frame++) {
		if (is_cached(before[frame]) ||
		    !is_cached(luo_frame_flags(frame)))
			continue;
		luo_offline(frame);
		if (targets(dir, lost) < there)
			break;
	}
	ASSERT_EQ(there - 1, targets(dir, lost));
}

/*
 * A link whose target is lost cannot be preserved. What fails when the target is
 * written down already is not lost.
 */
TEST_F(prepare, links)
{
	int session = luo_create(self->dev, "links"), dir, i, lost = -1;
	char name[8], target[TARGET + 1] = "";
	__u64 *before;
	size_t nr;

	ASSERT_LE(0, session);
	tmpfs_mount(_metadata, "/links", "size=64m");
	dir = tmpfs_open("/links");
	ASSERT_LE(0, dir);
	before = all_flags(_metadata, &nr);
	for (i = 0; i < NR_LINKS; i++) {
		sprintf(name, "%d", i);
		memset(target, 'a' + i % 26, TARGET);
		ASSERT_EQ(0, symlinkat(target, dir, name));
	}
	poison_link(_metadata, dir, before, nr, &lost);
	ASSERT_EQ(0, tmpfs_remount("/links", MS_RDONLY));
	EXPECT_EQ(-EIO, luo_preserve_fd(session, dir, 1));

	ASSERT_EQ(0, tmpfs_remount("/links", 0));
	sprintf(name, "%d", lost);
	ASSERT_EQ(0, unlinkat(dir, name, 0));
	ASSERT_EQ(0, tmpfs_remount("/links", MS_RDONLY));
	ASSERT_EQ(0, luo_preserve_fd(session, dir, 1));
	poison_link(_metadata, dir, before, nr, &lost);
	close(dir);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, links)
{
	int mnt = luo_take_one(_metadata, self->dev, "links"), lost;

	EXPECT_EQ(NR_LINKS - 1, targets(mnt, &lost));
}

/* Files that exceed the limit of a memory cgroup, each of them and all together. */
TEST_F(prepare, limited)
{
	int dir;

	tmpfs_mount(_metadata, "/limited", "size=64m");
	dir = tmpfs_open("/limited");
	ASSERT_LE(0, dir);
	tmpfs_fill(_metadata, dir, "one", 0, MIB / PAGE, 1);
	tmpfs_fill(_metadata, dir, "two", 0, 3 * MIB / PAGE, 2);
	tmpfs_fill(_metadata, dir, "three", 0, 3 * MIB / PAGE, 3);
	close(dir);
	tmpfs_give(_metadata, self->dev, "limited", "/limited");
}

TEST_F(verify, limited)
{
	int root = open("/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC);
	int session = luo_retrieve(self->dev, "limited"), mnt;

	ASSERT_LE(0, session);
	ASSERT_LE(0, root);
	ASSERT_TRUE(luo_write_text("/cgroup/cgroup.subtree_control", "+memory"));
	ASSERT_EQ(0, mkdir("/cgroup/limited", 0700));
	ASSERT_TRUE(luo_write_text("/cgroup/limited/memory.max", "2M"));
	luo_write_text("/cgroup/limited/memory.swap.max", "0");
	ASSERT_TRUE(luo_write_text("/cgroup/limited/cgroup.procs", "0"));
	mnt = luo_retrieve_fd(session, 1);
	ASSERT_EQ(1, write(root, "0", 1));
	ASSERT_LE(0, mnt);
	EXPECT_EQ(0, luo_finish(session));
	close(mnt);
	close(session);
}

/* Many names, inodes and attributes. */
TEST_F(prepare, many)
{
	const long count = luo_param("COUNT", 100000);
	char name[80];
	int dir;
	long i;

	/* The default of 50% is not shown, in a kernel with as much memory. */
	tmpfs_mount(_metadata, "/many", "size=40%,nr_inodes=0");
	dir = tmpfs_open("/many");
	ASSERT_LE(0, dir);
	for (i = 0; i < count; i++) {
		if (i % 1000 == 0) {
			sprintf(name, "%ld", i / 1000);
			ASSERT_EQ(0, mkdirat(dir, name, 0755));
		}
		sprintf(name, "%ld/a name that is some bytes long %ld",
			i / 1000, i);
		ASSERT_TRUE(tmpfs_write(dir, name, name));
	}
	close(dir);
	tmpfs_give(_metadata, self->dev, "many", "/many");
}

#define SLOW	"/cgroup/slow"

/* How often whoever is in there has had more memory than makes it slow. */
static long slowed(void)
{
	FILE *events = fopen(SLOW "/memory.events", "re");
	char name[32];
	long count, high = -1;

	while (events && fscanf(events, "%31s %ld", name, &count) == 2) {
		if (!strcmp(name, "high"))
			high = count;
	}
	if (events)
		fclose(events);
	return high;
}

/*
 * Retrieve in a process that is killed in the midst of it. The names take far more
 * memory than makes it slow; from then on it waits at each few of them, so it cannot
 * come to the end before it is killed.
 */
static void retrieve_and_die(struct __test_metadata *const _metadata,
			     int session)
{
	int status;
	pid_t pid;

	ASSERT_TRUE(luo_write_text("/cgroup/cgroup.subtree_control", "+memory"));
	ASSERT_EQ(0, mkdir(SLOW, 0700));
	ASSERT_TRUE(luo_write_text(SLOW "/memory.high", "16M"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (luo_write_text(SLOW "/cgroup.procs", "0"))
			luo_retrieve_fd(session, 1);
		_exit(0);
	}
	while (!slowed() && !waitpid(pid, &status, WNOHANG))
		usleep(1000);
	EXPECT_LT(0, slowed());
	EXPECT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

/* Is the first file of the session retrieved? */
static bool is_retrieved(const char *session)
{
	FILE *files = fopen("/sys/kernel/debug/liveupdate/in/files", "r");
	char line[256], name[64], state[32] = "";
	int token;

	while (files && fgets(line, sizeof(line), files))
		if (sscanf(line, "%63s %i %*s %31s", name, &token, state) == 3 &&
		    !strcmp(name, session) && token == 1)
			break;
	if (files)
		fclose(files);
	return !strcmp(state, "retrieved");
}

/* The first try does not come to its end, and what it has done is undone. */
TEST_F(verify, many)
{
	int session = luo_retrieve(self->dev, "many");

	ASSERT_LE(0, session);
	retrieve_and_die(_metadata, session);
	EXPECT_FALSE(is_retrieved("many"));
	tmpfs_take(_metadata, session, "/many");
}

TEST_HARNESS_MAIN
