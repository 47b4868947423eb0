// SPDX-License-Identifier: GPL-2.0
/*
 * Dumping a service without a copy of its memory. What CRIU streams of pages are the
 * pages themselves: the buffers of its pipes refer to them, and splice() moves these
 * on to pipes of ours. When CRIU has killed the service, nobody else has the pages.
 *
 * All other images are small, and become files. As CRIU goes on only while somebody
 * takes what it streams, all streams are taken at the same time.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "message.h"
#include "streamer.h"
#include "util.h"

/* The size of a new pipe; and what the kernel gives at most with pages of 4 KiB */
#define PIPE_FIRST	1048576
#define PIPE_LAST	268435456

/* Of CRIU's own pipes with pages: it has to wait less often. */
#define PIPE_CRIU	4194304

/**
 * struct stream - an image that comes from CRIU
 * @name:  its name
 * @in:    CRIU's pipe, -1 when it has ended
 * @out:   a file, or a pipe of ours
 * @bytes: what has been put into @out
 */
struct stream {
	char name[STREAMER_NAME];
	int in;
	int out;
	long long bytes;
};

/**
 * struct capture - a dump
 * @s:       CRIU's connection
 * @stream:  all images
 * @nr:      how many
 * @pages:   pipes of ours, those of an image in their order
 * @name:    of which image each of them is
 * @content: how many bytes each of them has
 */
struct capture {
	struct streamer s;
	struct stream *stream;
	int nr;
	struct pages *pages;
	char (*name)[STREAMER_NAME];
	long long content[PAGES_MAX];
};

static bool has_pages(const struct stream *stream)
{
	return !strncmp(stream->name, STREAMER_PAGES, strlen(STREAMER_PAGES));
}

/* Have a new pipe of ours take what comes from now on. */
static int add_pipe(struct capture *c, struct stream *stream)
{
	struct pages *p = c->pages;
	int ends[2], size;

	errno = EMFILE;
	if (p->nr == PAGES_MAX || pipe2(ends, O_CLOEXEC))
		return -1;
	size = fcntl(stream->out, F_GETPIPE_SZ);
	/* A smaller one does as well. */
	fcntl(ends[1], F_SETPIPE_SZ, size > PIPE_FIRST ? size : PIPE_FIRST);
	close_fd(&stream->out);
	stream->out = ends[1];
	memcpy(c->name[p->nr], stream->name, STREAMER_NAME);
	p->fd[p->nr++] = ends[0];
	return 0;
}

/* The pipe is full: make it larger, or go on with another one. */
static int make_room(struct capture *c, struct stream *stream)
{
	int size = fcntl(stream->out, F_GETPIPE_SZ);

	if (size > 0 && size < PIPE_LAST &&
	    fcntl(stream->out, F_SETPIPE_SZ, 2 * size) > size)
		return 0;
	return add_pipe(c, stream);
}

static void add_stream(struct capture *c, const char *name)
{
	struct stream *all = reallocarray(c->stream, c->nr + 1, sizeof(*all));
	struct stream *new;

	if (!all) {
		streamer_fail(&c->s, "no memory to take image", name);
		return;
	}
	c->stream = all;
	new = &all[c->nr++];
	*new = (struct stream){ .in = streamer_receive(&c->s), .out = -1 };
	snprintf(new->name, sizeof(new->name), "%s", name);
	if (has_pages(new)) {
		fcntl(new->in, F_SETPIPE_SZ, PIPE_CRIU);
		add_pipe(c, new);
	} else {
		new->out = openat(c->s.folder, name, O_WRONLY | O_CREAT |
				  O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	if (new->in < 0 || new->out < 0) {
		streamer_fail(&c->s, "cannot take image", name);
		close_fd(&new->in);
	}
}

/* The pipe that @stream goes to is always the last of its own. */
static void count(struct capture *c, const struct stream *stream, ssize_t n)
{
	int i = c->pages->nr - 1;

	while (strcmp(c->name[i], stream->name))
		i--;
	c->content[i] += n;
}

/* Take what is there of an image. */
static void drain(struct capture *c, struct stream *stream)
{
	ssize_t n;

	for (;;) {
		n = splice(stream->in, NULL, stream->out, NULL, STREAMER_CHUNK,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n > 0) {
			stream->bytes += n;
			if (has_pages(stream))
				count(c, stream, n);
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			if (!has_pages(stream) || !streamer_is_full(stream->out))
				return;
			if (!make_room(c, stream))
				continue;
		}
		if (n < 0)
			streamer_fail(&c->s, "cannot take image", stream->name);
		close_fd(&stream->in);
		close_fd(&stream->out);
		return;
	}
}

/*
 * Wait for a request, for images, and for the end of CRIU; when that is there, take what
 * is left. Returns whether there was anything.
 */
static bool take_some(struct capture *c, int pidfd, bool *ended)
{
	struct pollfd *pfd = calloc(c->nr + 3, sizeof(*pfd));
	char name[STREAMER_NAME];
	int i, nr = c->nr, events;

	if (!pfd) {
		streamer_fail(&c->s, "no memory to take images", "");
		*ended = true;
		return false;
	}
	for (i = 0; i < nr; i++)
		pfd[i] = (struct pollfd){
			.fd = c->stream[i].in, .events = POLLIN,
		};
	streamer_poll(&c->s, &pfd[nr]);
	pfd[nr + 2] = (struct pollfd){
		.fd = *ended ? -1 : pidfd, .events = POLLIN,
	};
	events = poll(pfd, nr + 3, *ended ? 0 : -1);
	for (i = 0; i < nr && events > 0; i++) {
		if (c->stream[i].in >= 0 && pfd[i].revents)
			drain(c, &c->stream[i]);
	}
	if (events > 0 && streamer_take_request(&c->s, &pfd[nr], name))
		add_stream(c, name);
	if (events > 0 && pfd[nr + 2].revents)
		*ended = true;
	free(pfd);
	return events > 0;
}

static void take_all(void *user, int pidfd)
{
	struct capture *c = user;

	bool ended = false, any;

	do {
		any = take_some(c, pidfd, &ended);
	} while (any || !ended);
}

/* Note down which pipes have which image. */
static int write_index(const struct capture *c)
{
	int fd = openat(c->s.folder, STREAMER_INDEX,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int i, ret = fd < 0 ? -1 : 0;

	for (i = 0; i < c->pages->nr && !ret; i++)
		ret = dprintf(fd, "%s %lld\n", c->name[i],
			      c->content[i]) < 0 ? -1 : 0;
	if (ret)
		pr_err("cannot write to the folder of the images: %s: is there room?",
		       strerror(errno));
	close_fd(&fd);
	return ret;
}

/* Has each image come to its end? */
static int finish(struct capture *c, long long *bytes)
{
	int i, err = c->s.failed;

	*bytes = 0;
	for (i = 0; i < c->nr; i++) {
		if (has_pages(&c->stream[i]))
			*bytes += c->stream[i].bytes;
		if (c->stream[i].in >= 0 && !err++)
			pr_err("image %s has not come to its end",
			       c->stream[i].name);
		close_fd(&c->stream[i].in);
		close_fd(&c->stream[i].out);
	}
	return err || write_index(c) ? -1 : 0;
}

/*
 * Run a dump; what it has of memory then is in @pages, with so many @bytes. Returns what
 * criu_run() does. CRIU may have been killed when it had dumped all.
 */
int capture_run(struct criu_call *call, struct pages *pages, long long *bytes)
{
	struct capture c = { .pages = pages };
	int err = CRIU_FAILED;

	pages_init(pages);
	c.name = calloc(PAGES_MAX, sizeof(*c.name));
	if (!c.name || streamer_open(&c.s, call->dir, call->name,
				     "streamer-capture.sock")) {
		free(c.name);
		return CRIU_FAILED;
	}
	criu_add(call, "--stream");
	/* It is there whatever happens: it says that there are pipes. */
	if (!write_index(&c))
		err = criu_run_beside(call, take_all, &c);
	if (finish(&c, bytes)) {
		err = err ?: CRIU_FAILED;
		pages_drop(pages);
	}
	streamer_close(&c.s);
	free(c.stream);
	free(c.name);
	return err;
}
