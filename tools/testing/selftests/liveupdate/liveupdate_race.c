// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of /dev/liveupdate when many ask at the same time.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <pthread.h>

#include "liveupdate.h"

/* Many at the same time: each rule holds for exactly one of them. */
#define RACERS	8
#define ROUNDS	30

struct racer {
	pthread_t thread;
	pthread_barrier_t *start;
	int (*run)(struct racer *self);
	int dev, session, memfd;
	__u64 token;
	int result;
};

static void *racer_thread(void *arg)
{
	struct racer *racer = arg;

	pthread_barrier_wait(racer->start);
	racer->result = racer->run(racer);
	return NULL;
}

/* Run all at once; the number of those that got @result. */
static int race(struct racer *racers, int result)
{
	pthread_barrier_t start;
	pthread_attr_t attr;
	int i, nr = 0;

	/* A stack for which no huge page has to be cleared. */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_barrier_init(&start, NULL, RACERS);
	for (i = 0; i < RACERS; i++) {
		racers[i].start = &start;
		if (pthread_create(&racers[i].thread, &attr, racer_thread, &racers[i]))
			abort();
	}
	for (i = 0; i < RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		nr += racers[i].result == result;
	}
	pthread_barrier_destroy(&start);
	pthread_attr_destroy(&attr);
	return nr;
}

static int race_create(struct racer *racer)
{
	racer->session = luo_create(racer->dev, "session");
	return racer->session < 0 ? racer->session : 0;
}

static int race_preserve(struct racer *racer)
{
	return luo_preserve_fd(racer->session, racer->memfd, racer->token);
}

/* Whoever gets the session gives it away again at once. */
static int race_create_and_close(struct racer *racer)
{
	int i, session;

	for (i = 0; i < ROUNDS; i++) {
		session = luo_create(racer->dev, "session");
		if (session >= 0)
			close(session);
		else if (session != -EEXIST)
			return session;
	}
	return 0;
}

static int race_open(struct racer *racer)
{
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		fd = luo_open();
		if (fd >= 0)
			close(fd);
		else if (fd != -EBUSY)
			return fd;
	}
	return 0;
}

/* An ioctl in one thread while another closes the session under it. */
static int race_close(struct racer *racer)
{
	if (racer->token)
		return luo_preserve_fd(racer->session, racer->memfd, racer->token);
	return close(racer->session);
}

TEST_F(device, creates_one_session_when_many_ask)
{
	struct racer racers[RACERS];
	int i, round;

	for (i = 0; i < RACERS; i++)
		racers[i] = (struct racer){ .run = race_create, .dev = self->fd };
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(1, race(racers, 0));
		for (i = 0; i < RACERS; i++) {
			if (racers[i].session >= 0)
				close(racers[i].session);
			else
				ASSERT_EQ(-EEXIST, racers[i].session);
		}
	}
}

TEST_F(device, survives_create_and_close_at_once)
{
	struct racer racers[RACERS];
	int i;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){
			.run = race_create_and_close, .dev = self->fd,
		};
	}
	EXPECT_EQ(RACERS, race(racers, 0));
	EXPECT_LE(0, luo_create(self->fd, "session"));
}

TEST_F(device, survives_open_and_close_at_once)
{
	struct racer racers[RACERS];
	int i;

	for (i = 0; i < RACERS; i++)
		racers[i] = (struct racer){ .run = race_open };
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(RACERS, race(racers, 0));
	self->fd = luo_open();
	EXPECT_LE(0, self->fd);
}

TEST_F(device, preserves_a_file_once_when_many_ask)
{
	struct racer racers[RACERS];
	char name[32];
	int i, round, memfd;

	memfd = luo_memfd(PAGE, 1);
	ASSERT_LE(0, memfd);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < RACERS; i++) {
			snprintf(name, sizeof(name), "session%d", i);
			racers[i] = (struct racer){
				.run = race_preserve,
				.session = luo_create(self->fd, name),
				.memfd = memfd,
			};
			ASSERT_LE(0, racers[i].session);
		}
		ASSERT_EQ(1, race(racers, 0));
		for (i = 0; i < RACERS; i++) {
			if (racers[i].result)
				ASSERT_EQ(-EBUSY, racers[i].result);
			close(racers[i].session);
		}
	}
}

TEST_F(device, gives_a_token_once_when_many_ask)
{
	struct racer racers[RACERS];
	int i, round, session;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){
			.run = race_preserve, .memfd = luo_memfd(PAGE, i),
		};
	}
	for (round = 0; round < ROUNDS; round++) {
		session = luo_create(self->fd, "session");
		ASSERT_LE(0, session);
		for (i = 0; i < RACERS; i++)
			racers[i].session = session;
		ASSERT_EQ(1, race(racers, 0));
		for (i = 0; i < RACERS; i++) {
			if (racers[i].result)
				ASSERT_EQ(-EEXIST, racers[i].result);
		}
		ASSERT_EQ(0, close(session));
	}
}

TEST_F(device, survives_a_close_under_an_ioctl)
{
	struct racer racers[RACERS];
	int i, round, session;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){
			.run = race_close, .memfd = luo_memfd(PAGE, i), .token = i,
		};
	}
	for (round = 0; round < ROUNDS; round++) {
		session = luo_create(self->fd, "session");
		ASSERT_LE(0, session);
		for (i = 0; i < RACERS; i++)
			racers[i].session = session;
		race(racers, 0);
		for (i = 1; i < RACERS; i++) {
			if (racers[i].result)
				ASSERT_EQ(-EBADF, racers[i].result);
			/* Nobody holds the session, so nobody the file. */
			ASSERT_EQ(0, ftruncate(racers[i].memfd, PAGE));
		}
	}
}

TEST_HARNESS_MAIN
