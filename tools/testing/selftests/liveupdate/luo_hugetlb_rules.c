// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds of huge pages over a live update: what waits, what is lost, where pages
 * come from, and what they are charged to. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/kvm.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "luo_hugetlb_update.h"
#include "luo_scratch.h"
#include "luo_test.h"

/* Is there if the kernel has userfaultfd. */
#define USERFAULTFD	"/proc/sys/vm/unprivileged_userfaultfd"

/* A gigantic page in memory that the next kernel uses; the file is as it was. */
TEST_F(prepare, gigantic_in_cma)
{
	int session = luo_create(self->dev, "gigantic_in_cma"), fd;

	huge_size = GIGANTIC;
	ASSERT_LE(0, session);
	ASSERT_TRUE(huge_pool(huge(), 1));
	fd = new_file(_metadata, 1);
	fill_page(_metadata, fd, 0, 91);
	EXPECT_EQ(-EOPNOTSUPP, luo_preserve_fd(session, fd, 1));
	EXPECT_TRUE(has_page(fd, 0, 91));
	EXPECT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(1, huge_count(huge(), "free"));
	EXPECT_TRUE(huge_pool(huge(), 0));
}

/*
 * An update is called off in the midst of the freeze. Until then a task that has a
 * page goes on, and one that would fill a hole or has added seals waits.
 */
static pid_t start_write(struct __test_metadata *const _metadata, int fd,
			 off_t page)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(huge_fill(fd, page * huge(), huge(), 80 + page) ? 0 : 1);
	return pid;
}

static pid_t start_seal(struct __test_metadata *const _metadata, int fd)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) ? 1 : 0);
	return pid;
}

/* A fault that waits holds up no other thread, not even one that unmaps its page. */
struct fault {
	char *page;
	atomic_int thread;
};

static void *touch(void *arg)
{
	struct fault *fault = arg;

	fault->thread = gettid();
	*fault->page = 1;
	return NULL;
}

static pid_t start_unmap(struct __test_metadata *const _metadata, int fd,
			 off_t page)
{
	struct fault fault = { .page = huge_map(fd, page * huge(), huge()) };
	pthread_t thread;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, fault.page);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (pthread_create(&thread, NULL, touch, &fault))
			_exit(1);
		while (!fault.thread)
			sched_yield();
		luo_wait_for_sleep(fault.thread);
		_exit(munmap(fault.page, huge()) ? 2 : 0);
	}
	ASSERT_EQ(0, munmap(fault.page, huge()));
	return pid;
}

/* Fill a hole by userfaultfd. Returns 0 or a negative errno. */
static int copy_page(struct __test_metadata *const _metadata, int fd, off_t page)
{
	int uffd = luo_result(syscall(__NR_userfaultfd, O_CLOEXEC)), ret;
	char *map = huge_map(fd, page * huge(), huge());
	char *src = mmap(NULL, huge(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)map, huge() },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy = {
		.dst = (uintptr_t)map, .src = (uintptr_t)src, .len = huge(),
	};

	ASSERT_LE(0, uffd);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, src);
	memset(src, 7, huge());
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_API, &api));
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &reg));
	ret = luo_result(ioctl(uffd, UFFDIO_COPY, &copy));
	if (!ret)
		EXPECT_EQ(0, memcmp(map, src, huge()));
	close(uffd);
	munmap(map, huge());
	munmap(src, huge());
	return ret;
}

TEST_F(prepare, called_off)
{
	int sleeper = luo_test_file("sleep freeze"), session[2], i;
	int asleep = luo_logged("asleep in freeze");
	int fd = new_file(_metadata, 8);
	pid_t update, waits[2];

	session[0] = luo_create(self->dev, "called_off");
	session[1] = luo_create(self->dev, "called_off 2");
	ASSERT_LE(0, session[0]);
	ASSERT_LE(0, session[1]);
	fill_page(_metadata, fd, 0, 1);
	ASSERT_EQ(0, luo_preserve_fd(session[0], fd, 1));
	fill_page(_metadata, fd, 1, 81);
	ASSERT_LT(0, luo_tell(sleeper, "fail freeze"));
	ASSERT_EQ(0, luo_preserve_fd(session[1], sleeper, 1));

	update = luo_start_reboot(_metadata);
	luo_wait_for_log("asleep in freeze", asleep + 1);
	luo_wait_for_exit(_metadata, start_write(_metadata, fd, 0));
	waits[0] = start_write(_metadata, fd, 2);
	waits[1] = start_seal(_metadata, fd);
	for (i = 0; i < 2; i++) {
		luo_wait_for_sleep(waits[i]);
		EXPECT_EQ(0, waitpid(waits[i], NULL, WNOHANG));
	}
	luo_wait_for_exit(_metadata, start_unmap(_metadata, fd, 3));
	if (!access(USERFAULTFD, F_OK))
		EXPECT_EQ(-EAGAIN, copy_page(_metadata, fd, 4));
	EXPECT_EQ(2 * huge(), luo_allocated(fd));

	luo_tell_all(_metadata, "wake");
	luo_wait_for_exit(_metadata, update);
	for (i = 0; i < 2; i++)
		luo_wait_for_exit(_metadata, waits[i]);
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(fd, 9 * huge())));
	ASSERT_EQ(0, close(session[1]));
	luo_hold(_metadata, self->dev);
}

/*
 * KVM asks for a page of a guest twice: by a fault that must neither wait nor drop
 * a lock, then by one that waits.
 */
struct guest {
	int cpu;
	int err;
	atomic_int thread;
};

static int create_guest(struct guest *guest, char *map)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = huge(), .userspace_addr = (uintptr_t)map,
	};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	guest->cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	return luo_result(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
}

/* What a processor of a guest does first of all with memory that is a hole. */
static void *fault_in_guest(void *arg)
{
	struct kvm_pre_fault_memory fault = { .size = huge() };
	struct guest *guest = arg;

	guest->thread = gettid();
	guest->err = luo_result(ioctl(guest->cpu, KVM_PRE_FAULT_MEMORY, &fault));
	return NULL;
}

TEST_F(prepare, called_off_with_guest)
{
	int sleeper = luo_test_file("sleep freeze"), session;
	int asleep = luo_logged("asleep in freeze");
	int fd = new_file(_metadata, 1);
	char *map = huge_map(fd, 0, huge());
	struct guest guest = { };
	pthread_t thread;
	pid_t update;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, create_guest(&guest, map));
	session = luo_create(self->dev, "called_off_with_guest");
	ASSERT_LE(0, session);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	ASSERT_LT(0, luo_tell(sleeper, "fail freeze"));
	ASSERT_EQ(0, luo_preserve_fd(session, sleeper, 2));

	update = luo_start_reboot(_metadata);
	luo_wait_for_log("asleep in freeze", asleep + 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, fault_in_guest, &guest));
	while (!guest.thread)
		sched_yield();
	luo_wait_for_sleep(guest.thread);
	/* Without a lock. */
	EXPECT_EQ(0, munmap(map, huge()));
	EXPECT_EQ(0, luo_allocated(fd));

	luo_tell_all(_metadata, "wake");
	luo_wait_for_exit(_metadata, update);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	/* What it waited for is not there any more. */
	EXPECT_EQ(-EFAULT, guest.err);
	EXPECT_EQ(0, close(session));
}

TEST_F(verify, called_off)
{
	int fd = luo_take_one(_metadata, self->dev, "called_off"), i;

	EXPECT_EQ(8 * huge(), luo_size(fd));
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_EQ(F_SEAL_SHRINK, fcntl(fd, F_GET_SEALS));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(has_page(fd, i, 80 + i));
}

/*
 * Of one the records of folios are damaged: it has no page left, and which ones it
 * had is not known. Of the other all else is damaged.
 */
static void expect_all_lost(struct __test_metadata *const _metadata, int fd)
{
	char *map = huge_map(fd, 0, 4 * huge());
	char c;

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(4 * huge(), luo_size(fd));
	EXPECT_EQ(0, luo_allocated(fd));
	EXPECT_EQ(-1, pread(fd, &c, 1, 3 * huge()));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(SIGBUS, luo_touch(map));
	EXPECT_EQ(SIGBUS, luo_touch(map + 3 * huge()));

	/* What is given up has room for data again. */
	EXPECT_EQ(0, fallocate(fd, 0, huge(), huge()));
	EXPECT_EQ(0, luo_touch(map + huge()));
	fill_page(_metadata, fd, 1, 5);
	EXPECT_TRUE(has_page(fd, 1, 5));
	EXPECT_EQ(SIGBUS, luo_touch(map));
	EXPECT_EQ(0, munmap(map, 4 * huge()));
}

TEST_F(verify, damaged)
{
	int session = luo_retrieve(self->dev, "full"), fd;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	expect_all_lost(_metadata, fd);
	EXPECT_EQ(-EIO, luo_finish(session));
	EXPECT_EQ(0, close(session));
	session = luo_create(self->dev, "again");
	EXPECT_EQ(-EIO, luo_preserve_fd(session, fd, 1));
	EXPECT_EQ(0, close(session));

	session = luo_retrieve(self->dev, "sparse");
	ASSERT_LE(0, session);
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(session, 1));
	luo_finish(session);
}

/* A session that cannot be read: its pages stay in use. */
TEST_F(verify, session_damaged)
{
	long nr = huge_count(huge(), "nr"), free = huge_count(huge(), "free");

	EXPECT_EQ(-EIO, luo_retrieve(self->dev, "late"));
	EXPECT_EQ(nr, huge_count(huge(), "nr"));
	EXPECT_EQ(free, huge_count(huge(), "free"));
	EXPECT_EQ(nr - 3, free);
}

/* Pages that came in beyond what was asked for leave others their overcommitment. */
TEST_F(verify, overcommit)
{
	long surplus = huge_count(huge(), "surplus");
	int fd = new_file(_metadata, 3);
	char *map;

	ASSERT_LT(2, surplus);
	ASSERT_EQ(0, huge_count(huge(), "free"));
	ASSERT_TRUE(luo_write_text("/proc/sys/vm/nr_overcommit_hugepages", "2"));
	map = luo_map(fd, 0, 2 * huge());
	ASSERT_NE(MAP_FAILED, map);
	fill_page(_metadata, fd, 0, 1);
	fill_page(_metadata, fd, 1, 1);
	EXPECT_EQ(surplus + 2, huge_count(huge(), "surplus"));
	EXPECT_EQ(MAP_FAILED, luo_map(fd, 0, 3 * huge()));
	EXPECT_EQ(0, munmap(map, 2 * huge()));
	EXPECT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(surplus, huge_count(huge(), "surplus"));
	EXPECT_TRUE(luo_write_text("/proc/sys/vm/nr_overcommit_hugepages", "0"));
}

/*
 * Holes of a preserved file are filled outside scratch memory, if there is room, by
 * a fault and by UFFDIO_COPY. Let both kinds of pages be free, and those in
 * scratch be the first to be taken otherwise.
 */
#define NR_POOL		8

static bool is_in_scratch(int fd, off_t page)
{
	char *map = huge_map(fd, page * huge(), huge());
	struct area areas[MAX_AREAS];
	size_t nr = scratch_areas(areas);
	bool in = in_areas(luo_frame(map), areas, nr);

	munmap(map, huge());
	return in;
}

/* Frees the pages of a file that are in scratch memory, or that are not. */
static int free_pages(struct __test_metadata *const _metadata, int fd,
		      const bool *in_scratch, bool which)
{
	int i, nr = 0;

	for (i = 0; i < NR_POOL; i++) {
		if (in_scratch[i] != which)
			continue;
		nr++;
		EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, i * huge(), huge()));
	}
	return nr;
}

static void free_scratch_last(struct __test_metadata *const _metadata, int dev)
{
	int fd = new_file(_metadata, NR_POOL), i;
	int session = luo_create(dev, "outside");
	bool in_scratch[NR_POOL];

	ASSERT_LE(0, session);
	/* To preserve pages moves them out. */
	for (i = 0; i < 2; i++)
		fill_page(_metadata, fd, i, 1);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	ASSERT_EQ(0, close(session));
	for (; i < NR_POOL; i++)
		fill_page(_metadata, fd, i, 1);
	for (i = 0; i < NR_POOL; i++)
		in_scratch[i] = is_in_scratch(fd, i);
	EXPECT_LE(2, free_pages(_metadata, fd, in_scratch, false));
	EXPECT_LE(2, free_pages(_metadata, fd, in_scratch, true));
	close(fd);
}

TEST_F(prepare, outside)
{
	int session, fd;

	free_scratch_last(_metadata, self->dev);
	fd = new_file(_metadata, 2);
	session = luo_create(self->dev, "outside");
	ASSERT_LE(0, session);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	fill_page(_metadata, fd, 0, 1);
	EXPECT_EQ(0, copy_page(_metadata, fd, 1));
	EXPECT_FALSE(is_in_scratch(fd, 0));
	EXPECT_FALSE(is_in_scratch(fd, 1));
	EXPECT_EQ(0, close(session));
}

static long read_charge(const char *counter)
{
	char path[128], text[64] = { };
	int fd;

	snprintf(path, sizeof(path), "/cgroup/limited/%s", counter);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	return atol(text);
}

/* A cgroup is charged for what comes in, beyond its limits. */
TEST_F(verify, charged)
{
	int fd, i;

	ASSERT_TRUE(luo_write_text("/cgroup/limited/cgroup.procs", "0"));
	fd = luo_take_one(_metadata, self->dev, "full");
	EXPECT_EQ(4 * huge(), read_charge("hugetlb.2MB.current"));
	EXPECT_EQ(4 * huge(), read_charge("hugetlb.2MB.rsvd.current"));
	EXPECT_LE(4 * huge(), read_charge("memory.current"));
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(has_page(fd, i, 10 + i));
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, 0, 4 * huge()));
	EXPECT_EQ(0, read_charge("hugetlb.2MB.current"));
	EXPECT_EQ(0, read_charge("hugetlb.2MB.rsvd.current"));
	EXPECT_GT(4 * huge(), read_charge("memory.current"));
	EXPECT_TRUE(luo_write_text("/cgroup/cgroup.procs", "0"));
}

TEST_HARNESS_MAIN
