// SPDX-License-Identifier: GPL-2.0
/*
 * State that files share (FLB), by means of what CONFIG_LIVEUPDATE_TEST links to
 * each file handler. How to run it: luo_update.h.
 *
 * The callbacks of these FLBs check themselves that they come once and in pairs,
 * and the kernel warns if not. How often they came is read from the kernel log,
 * so no other session may be there: run the tests alone.
 *
 * The test "prepare.freeze_waits" wants the next kernel to be loaded.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_test.h"

#define NR_FLBS		3

/* Numbers of callbacks to each FLB so far. */
struct counts {
	int preserve[NR_FLBS];
	int unpreserve[NR_FLBS];
};

static int logged_flb(const char *step, int i)
{
	char message[40];

	snprintf(message, sizeof(message), "%s flb %d", step, i);
	return luo_logged(message);
}

static void count(struct counts *counts)
{
	int i;

	for (i = 0; i < NR_FLBS; i++) {
		counts->preserve[i] = logged_flb("preserve", i);
		counts->unpreserve[i] = logged_flb("unpreserve", i);
	}
}

/* So many callbacks came to each FLB since @before. */
static void expect_more(struct __test_metadata *const _metadata,
			const struct counts *before, int preserved,
			int unpreserved)
{
	struct counts now;
	int i;

	count(&now);
	for (i = 0; i < NR_FLBS; i++) {
		EXPECT_EQ(preserved, now.preserve[i] - before->preserve[i])
			TH_LOG("flb %d", i);
		EXPECT_EQ(unpreserved,
			  now.unpreserve[i] - before->unpreserve[i])
			TH_LOG("flb %d", i);
	}
}

/* The first file of all preserves, the last one of all unpreserves. */
TEST_F(prepare, first_and_last)
{
	struct counts before;
	int session[2];

	count(&before);
	session[0] = luo_create(self->dev, "first");
	session[1] = luo_create(self->dev, "second");
	ASSERT_LE(0, session[0]);
	ASSERT_LE(0, session[1]);
	expect_more(_metadata, &before, 0, 0);

	luo_give(_metadata, session[0], luo_test_file("data=1"), 1);
	expect_more(_metadata, &before, 1, 0);
	luo_give(_metadata, session[0], luo_memfd(PAGE, 2), 2);
	luo_give(_metadata, session[1], luo_test_file("data=3"), 1);
	expect_more(_metadata, &before, 1, 0);

	close(session[0]);
	expect_more(_metadata, &before, 1, 0);
	close(session[1]);
	expect_more(_metadata, &before, 1, 1);

	/* And all over again. */
	session[0] = luo_create(self->dev, "third");
	luo_give(_metadata, session[0], luo_memfd(PAGE, 2), 2);
	expect_more(_metadata, &before, 2, 1);
	close(session[0]);
	expect_more(_metadata, &before, 2, 2);
}

/* A file whose own handler fails does not keep the state. */
TEST_F(prepare, handler_fails)
{
	int session = luo_create(self->dev, "handler_fails");
	int fd = luo_test_file("fail preserve");
	struct counts before;

	ASSERT_LE(0, session);
	count(&before);
	EXPECT_EQ(-EIO, luo_preserve_fd(session, fd, 1));
	expect_more(_metadata, &before, 1, 1);
}

/* When an FLB fails so does the file; FLBs before it are undone, it is not. */
TEST_F(prepare, flb_fails)
{
	int session = luo_create(self->dev, "flb_fails");
	struct counts before, after;
	int fd = luo_test_file("data=1");
	int i;

	ASSERT_LE(0, session);
	count(&before);
	luo_tell_all(_metadata, "flb fail preserve");
	EXPECT_EQ(-EIO, luo_preserve_fd(session, fd, 1));
	EXPECT_EQ(-EIO, luo_preserve_fd(session, fd, 1));
	luo_tell_all(_metadata, "flb ok");
	count(&after);
	for (i = 0; i < NR_FLBS; i++) {
		EXPECT_EQ(before.preserve[i] + 2, after.preserve[i]);
		EXPECT_EQ(before.unpreserve[i] + (i < NR_FLBS - 1 ? 2 : 0),
			  after.unpreserve[i]);
	}

	/* Once it is preserved it cannot fail any more. */
	EXPECT_EQ(0, luo_preserve_fd(session, fd, 1));
	luo_tell_all(_metadata, "flb fail preserve");
	luo_give(_metadata, session, luo_memfd(PAGE, 2), 2);
	luo_tell_all(_metadata, "flb ok");
}

#define WORKERS		4
#define ROUNDS		25

static bool preserve_once(int dev, int worker)
{
	char name[20];
	int session, fd;
	bool done;

	snprintf(name, sizeof(name), "worker %d", worker);
	session = luo_create(dev, name);
	fd = luo_test_file("data=worker");
	done = session >= 0 && fd >= 0 && !luo_preserve_fd(session, fd, 1);
	close(fd);
	return done && !close(session);
}

/* Sessions that come and go; the kernel warns when a callback comes amiss. */
TEST_F(prepare, concurrent)
{
	int i, round;
	struct counts counts;
	pid_t pids[WORKERS];

	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (pids[i])
			continue;
		for (round = 0; round < ROUNDS; round++)
			if (!preserve_once(self->dev, i))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < WORKERS; i++)
		luo_wait_for_exit(_metadata, pids[i]);
	count(&counts);
	EXPECT_LT(0, counts.preserve[0]);
	EXPECT_EQ(counts.preserve[0], counts.unpreserve[0]);
}

/* In a process of its own, preserve a file; exits with 0 when that works. */
static pid_t start_preserve(struct __test_metadata *const _metadata, int dev,
			    const char *name, const char *command)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(luo_preserve_fd(luo_create(dev, name),
				      luo_test_file(command), 1) ? 1 : 0);
	return pid;
}

/* Who comes second waits for the callback that the first one caused. */
TEST_F(prepare, second_waits_for_first)
{
	int asleep = luo_logged("asleep in preserve flb");
	int preserved = logged_flb("preserve", 2);
	pid_t first, second;
	int session;

	luo_tell_all(_metadata, "flb sleep preserve");
	first = start_preserve(_metadata, self->dev, "first", "data=1");
	luo_wait_for_log("asleep in preserve flb", asleep + 1);
	luo_tell_all(_metadata, "flb ok");
	second = start_preserve(_metadata, self->dev, "second", "data=2");
	luo_wait_for_sleep(second);
	EXPECT_EQ(preserved + 1, logged_flb("preserve", 2));

	/* What does not need it goes on. */
	session = luo_create(self->dev, "third");
	EXPECT_LE(0, session);
	EXPECT_EQ(0, close(session));

	luo_tell_all(_metadata, "wake");
	luo_wait_for_exit(_metadata, first);
	luo_wait_for_exit(_metadata, second);
}

/* A session ends as it should when its process is killed in a callback. */
TEST_F(prepare, killed_in_callback)
{
	int asleep = luo_logged("asleep in preserve");
	struct counts before;
	int status;
	pid_t pid;

	count(&before);
	pid = start_preserve(_metadata, self->dev, "killed", "sleep preserve");
	luo_wait_for_log("asleep in preserve", asleep + 1);
	expect_more(_metadata, &before, 1, 0);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	expect_more(_metadata, &before, 1, 1);
}

/* A freeze waits for what is going on; then here it is called off. */
TEST_F(prepare, freeze_waits)
{
	int session = luo_create(self->dev, "freeze_waits");
	int asleep = luo_logged("asleep in preserve");
	int frozen = luo_logged("freeze freeze_waits");
	int fd = luo_test_file("data=freeze_waits");
	pid_t sleeper, update;
	int status;

	ASSERT_LE(0, session);
	ASSERT_LT(0, luo_tell(fd, "fail freeze"));
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	sleeper = start_preserve(_metadata, self->dev, "sleeper",
				 "sleep preserve");
	luo_wait_for_log("asleep in preserve", asleep + 1);

	update = luo_start_reboot(_metadata);
	luo_wait_for_sleep(update);
	EXPECT_EQ(frozen, luo_logged("freeze freeze_waits"));

	luo_tell_all(_metadata, "wake");
	luo_wait_for_exit(_metadata, update);
	EXPECT_EQ(frozen + 1, luo_logged("freeze freeze_waits"));
	ASSERT_EQ(sleeper, waitpid(sleeper, &status, 0));
}

/*
 * Two sessions hold the state; the update after next gets it with a last FLB
 * that is not to be retrieved.
 */
TEST_F(prepare, shared)
{
	int session, i;
	char name[20];

	if (luo_stage() == 2)
		luo_tell_all(_metadata, "flb fail retrieve");
	for (i = 1; i <= 2; i++) {
		snprintf(name, sizeof(name), "shared %d", i);
		session = luo_create(self->dev, name);
		ASSERT_LE(0, session);
		luo_give(_metadata, session, luo_test_file("data=shared"), 1);
		luo_give(_metadata, session, luo_memfd(PAGE, 2), 2);
	}
	luo_hold(_metadata, self->dev);
}

/* In a process of its own, finish a session, whose last FLB sleeps meanwhile. */
static pid_t start_finish(struct __test_metadata *const _metadata, int session)
{
	pid_t pid;

	luo_tell_all(_metadata, "flb sleep finish");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(luo_finish(session) ? 1 : 0);
	luo_wait_for_log("asleep in finish flb", 1);
	return pid;
}

/* Who asks for state that is being finished is told that it is, and does not wait. */
static void get_while_finished(struct __test_metadata *const _metadata,
			       int session)
{
	pid_t finish = start_finish(_metadata, session);
	pid_t get = fork();

	ASSERT_LE(0, get);
	if (!get) {
		luo_tell_all(_metadata, "flb get");
		_exit(0);
	}
	luo_wait_for_exit(_metadata, get);
	EXPECT_EQ(1, luo_logged("incoming flbs: -61"));
	luo_tell_all(_metadata, "wake");
	luo_wait_for_exit(_metadata, finish);
	luo_tell_all(_metadata, "flb ok");
}

/* Retrieved at boot, finished with the last file, whatever goes out meanwhile. */
TEST_F(verify, shared)
{
	int i, session[2], last = luo_stage() == 3 ? NR_FLBS - 1 : NR_FLBS;

	session[0] = luo_retrieve(self->dev, "shared 1");
	session[1] = luo_retrieve(self->dev, "shared 2");
	ASSERT_LE(0, session[0]);
	ASSERT_LE(0, session[1]);
	ASSERT_LE(0, luo_retrieve_fd(session[0], 1));
	luo_take(_metadata, session[0], 2, PAGE, 2);
	ASSERT_LE(0, luo_retrieve_fd(session[1], 1));

	EXPECT_EQ(0, luo_finish(session[0]));
	for (i = 0; i < NR_FLBS; i++) {
		EXPECT_EQ(1, logged_flb("retrieve", i));
		EXPECT_EQ(0, logged_flb("finish", i));
	}
	/* One file of this was never retrieved. */
	if (last == NR_FLBS)
		get_while_finished(_metadata, session[1]);
	else
		EXPECT_EQ(0, luo_finish(session[1]));
	for (i = 0; i < NR_FLBS; i++) {
		EXPECT_EQ(1, logged_flb("retrieve", i));
		EXPECT_EQ(i < last, logged_flb("finish", i));
	}
}

TEST_HARNESS_MAIN
