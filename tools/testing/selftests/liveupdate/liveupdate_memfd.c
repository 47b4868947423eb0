// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with a memfd while it is in a session.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/falloc.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "liveupdate.h"

/* A memfd while it is in a session. */
FIXTURE(preserved_memfd)
{
	int session;
	int memfd;
	char *map;
};

#define MEMFD_SIZE	(4 * PAGE)

FIXTURE_SETUP(preserved_memfd)
{
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	self->memfd = luo_memfd(MEMFD_SIZE, 1);
	ASSERT_LE(0, self->memfd);
	self->map = luo_map(self->memfd, 0, MEMFD_SIZE);
	ASSERT_NE(MAP_FAILED, self->map);
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->memfd, 1));
}

FIXTURE_TEARDOWN(preserved_memfd)
{
	close(self->session);
	close(self->memfd);
}

TEST_F(preserved_memfd, keeps_its_size)
{
	char page[PAGE_MAX] = { };

	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->memfd, 0)));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->memfd, MEMFD_SIZE - 1)));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->memfd, MEMFD_SIZE + 1)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, 0, 0, 2 * MEMFD_SIZE)));
	EXPECT_EQ(-EPERM, luo_result(pwrite(self->memfd, page, PAGE, MEMFD_SIZE)));
	EXPECT_EQ(-EPERM, luo_reopen(self->memfd, O_RDWR | O_TRUNC));
	EXPECT_EQ(0, ftruncate(self->memfd, MEMFD_SIZE));
	EXPECT_EQ(MEMFD_SIZE, luo_size(self->memfd));
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
}

TEST_F(preserved_memfd, is_not_written_across_its_end)
{
	char pages[2 * PAGE_MAX] = { };
	ssize_t ret;

	/* Nothing, or as much as fits. */
	ret = luo_result(pwrite(self->memfd, pages, 2 * PAGE, MEMFD_SIZE - PAGE));
	EXPECT_TRUE(ret == -EPERM || ret == PAGE) TH_LOG("wrote %zd", ret);
	EXPECT_EQ(MEMFD_SIZE, luo_size(self->memfd));
}

TEST_F(preserved_memfd, keeps_its_pages)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	off_t allocated = luo_allocated(self->memfd);

	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, mode, 0, PAGE)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, mode, PAGE, MEMFD_SIZE)));
	EXPECT_EQ(-EPERM, luo_result(madvise(self->map, PAGE, MADV_REMOVE)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, FALLOC_FL_KEEP_SIZE,
					       0, 2 * MEMFD_SIZE)));
	EXPECT_EQ(-EBUSY, luo_result(fcntl(self->memfd, F_ADD_SEALS, F_SEAL_WRITE)));
	EXPECT_EQ(allocated, luo_allocated(self->memfd));
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
}

TEST_F(preserved_memfd, is_read_and_written_as_before)
{
	char *second;

	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
	EXPECT_EQ(0, luo_fill(self->memfd, PAGE, PAGE, 2));
	EXPECT_TRUE(luo_filled(self->memfd, PAGE, PAGE, 2));

	self->map[3 * PAGE] = 'm';
	second = luo_map(self->memfd, 0, MEMFD_SIZE);
	ASSERT_NE(MAP_FAILED, second);
	EXPECT_EQ('m', second[3 * PAGE]);
	second[3 * PAGE + 1] = 'n';
	EXPECT_EQ('n', self->map[3 * PAGE + 1]);
	EXPECT_EQ(MEMFD_SIZE / 2, lseek(self->memfd, MEMFD_SIZE / 2, SEEK_SET));
}

TEST_F(preserved_memfd, is_like_any_other_when_let_go_of)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	ASSERT_EQ(0, close(self->session));
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
	EXPECT_EQ(0, fallocate(self->memfd, mode, 0, PAGE));
	EXPECT_TRUE(luo_zero(self->memfd, 0, PAGE));
	EXPECT_EQ(0, fallocate(self->memfd, 0, 0, 2 * MEMFD_SIZE));
	EXPECT_EQ(0, luo_fill(self->memfd, 2 * MEMFD_SIZE, PAGE, 3));
	EXPECT_EQ(2 * MEMFD_SIZE + PAGE, luo_size(self->memfd));
	EXPECT_EQ(0, ftruncate(self->memfd, PAGE));
	EXPECT_EQ(PAGE, luo_allocated(self->memfd));
	EXPECT_EQ(0, fcntl(self->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	EXPECT_EQ(-1, ftruncate(self->memfd, 0));
}

TEST_F(preserved_memfd, can_be_preserved_again)
{
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, close(self->session));
		self->session = create_other_session("session");
		ASSERT_LE(0, self->session);
		EXPECT_EQ(0, luo_preserve_fd(self->session, self->memfd, i));
		EXPECT_EQ(-1, ftruncate(self->memfd, 0));
	}
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
}

/*
 * A write to a memfd that waits, with the inode locked, for the memory that it
 * is from.
 */
struct stuck_write {
	pthread_t thread;
	int memfd;
	int uffd;
	char *from;
};

static void *write_page(void *arg)
{
	struct stuck_write *w = arg;

	return (void *)pwrite(w->memfd, w->from, PAGE, 0);
}

static void begin_stuck_write(struct __test_metadata *const _metadata,
			      struct stuck_write *w, int memfd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffd_msg msg;

	w->memfd = memfd;
	w->from = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, w->from);
	w->uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	ASSERT_LE(0, w->uffd);
	ASSERT_EQ(0, ioctl(w->uffd, UFFDIO_API, &api));
	reg.range.start = (__u64)w->from;
	reg.range.len = PAGE;
	ASSERT_EQ(0, ioctl(w->uffd, UFFDIO_REGISTER, &reg));
	ASSERT_EQ(0, pthread_create(&w->thread, NULL, write_page, w));
	/* The write has come to the memory. */
	ASSERT_EQ(sizeof(msg), read(w->uffd, &msg, sizeof(msg)));
}

static void end_stuck_write(struct __test_metadata *const _metadata,
			    struct stuck_write *w)
{
	struct uffdio_zeropage zero = { .range.len = PAGE };
	void *written;

	zero.range.start = (__u64)w->from;
	EXPECT_EQ(0, ioctl(w->uffd, UFFDIO_ZEROPAGE, &zero));
	ASSERT_EQ(0, pthread_join(w->thread, &written));
	EXPECT_EQ(PAGE, (size_t)written);
	close(w->uffd);
}

/* For as long as this waits, there is no update. */
TEST_F(session, lets_itself_be_killed_while_a_memfd_is_written)
{
	int memfd = luo_memfd(PAGE, 1), status;
	struct stuck_write w;
	pid_t pid;

	ASSERT_LE(0, memfd);
	begin_stuck_write(_metadata, &w, memfd);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(luo_preserve_fd(self->fd, memfd, 1) ? 1 : 0);
	luo_wait_for_sleep(pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	end_stuck_write(_metadata, &w);
	EXPECT_EQ(0, luo_preserve_fd(self->fd, memfd, 1));
}

TEST_F(preserved_memfd, is_let_go_of_while_it_is_written)
{
	struct stuck_write w;

	begin_stuck_write(_metadata, &w, self->memfd);
	EXPECT_EQ(0, close(self->session));
	end_stuck_write(_metadata, &w);
	EXPECT_EQ(0, ftruncate(self->memfd, 0));
}

TEST_HARNESS_MAIN
