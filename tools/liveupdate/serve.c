// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring a service whose memory is in pipes. What CRIU has read of it is freed, so
 * there is never memory for two of the service; but from then on it cannot be restored
 * once more.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "message.h"
#include "serve.h"
#include "streamer.h"
#include "util.h"

/* Of CRIU's pipes: it has to wait less often. */
#define PIPE_CRIU	1048576

/**
 * struct piece - what one of the pipes has
 * @name:  of this image
 * @bytes: so many
 */
struct piece {
	char name[STREAMER_NAME];
	long long bytes;
};

/**
 * struct stream - an image that goes to CRIU
 * @name: its name
 * @out:  CRIU's pipe, -1 when all of it is there
 * @file: where it comes from, -1 for pipes
 * @next: the next one of the pipes
 */
struct stream {
	char name[STREAMER_NAME];
	int out;
	int file;
	int next;
};

/**
 * struct serve - a restore
 * @s:      CRIU's connection
 * @stream: all images that it has asked for
 * @nr:     how many
 * @pages:  the pipes
 * @piece:  what they have
 */
struct serve {
	struct streamer s;
	struct stream *stream;
	int nr;
	const struct pages *pages;
	struct piece *piece;
};

/* What the dump wrote down of @nr pipes; NULL if it is not about so many. */
static struct piece *read_index(int folder, int nr)
{
	int fd = openat(folder, STREAMER_INDEX, O_RDONLY | O_CLOEXEC), i = 0;
	struct piece *piece = calloc(nr + 1, sizeof(*piece));
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	while (f && piece && i <= nr &&
	       fscanf(f, "%127s %lld", piece[i].name, &piece[i].bytes) == 2)
		i++;
	if (f)
		fclose(f);
	else
		close_fd(&fd);
	if (i == nr)
		return piece;
	free(piece);
	return NULL;
}

/* Has nobody read of the pipes what the images in folder @name of @dir need? */
int serve_check(int dir, const char *name, const struct pages *pages)
{
	int folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct piece *piece = read_index(folder, pages->nr);
	int i, there, ret = piece && pages->nr ? 0 : -1;

	if (ret)
		pr_err("its memory is not there: it was in pipes, which are gone with who had them: stop the service and start it, which starts it afresh");
	for (i = 0; i < pages->nr && !ret; i++) {
		if (ioctl(pages->fd[i], FIONREAD, &there) ||
		    there != piece[i].bytes)
			ret = -1;
		if (ret)
			pr_err("its memory was read by the restore that failed, and is lost: stop the service and start it, which starts it afresh");
	}
	free(piece);
	close_fd(&folder);
	return ret;
}

/* The next pipe from @i on that has a piece of an image; the number of pipes if none. */
static int next_pipe(const struct serve *v, const char *name, int i)
{
	while (i < v->pages->nr && strcmp(v->piece[i].name, name))
		i++;
	return i;
}

static void add_stream(struct serve *v, const char *name)
{
	struct stream *all = reallocarray(v->stream, v->nr + 1, sizeof(*all));
	struct stream *new;
	bool exists;

	if (!all) {
		streamer_fail(&v->s, "no memory to give image", name);
		return;
	}
	v->stream = all;
	new = &all[v->nr];
	*new = (struct stream){ .next = next_pipe(v, name, 0) };
	new->file = openat(v->s.folder, name,
			   O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	snprintf(new->name, sizeof(new->name), "%s", name);
	exists = new->file >= 0 || new->next < v->pages->nr;
	if (streamer_answer(&v->s, exists) || !exists)
		return;
	new->out = streamer_receive(&v->s);
	v->nr++;
	if (new->out >= 0)
		fcntl(new->out, F_SETPIPE_SZ, PIPE_CRIU);
	else
		streamer_fail(&v->s, "cannot give image", name);
}

static void end_stream(struct stream *stream)
{
	close_fd(&stream->out);
	close_fd(&stream->file);
}

/* Give what there is room for of an image; all of it, and so its end, in the end. */
static void feed(struct serve *v, struct stream *stream)
{
	ssize_t n;
	int in;

	for (;;) {
		if (stream->file < 0 && stream->next == v->pages->nr)
			break;
		in = stream->file >= 0 ? stream->file :
					 v->pages->fd[stream->next];
		n = splice(in, NULL, stream->out, NULL, STREAMER_CHUNK,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0 && errno == EAGAIN)
			return;
		/* Who does not want to read all of it has its reason. */
		if (n < 0 && errno != EPIPE)
			streamer_fail(&v->s, "cannot give image", stream->name);
		if (n < 0 || (!n && stream->file >= 0))
			break;
		if (!n)
			stream->next = next_pipe(v, stream->name,
						 stream->next + 1);
	}
	end_stream(stream);
}

/* Wait for a request, for room, and for the end of CRIU, which is returned. */
static bool give_some(struct serve *v, int pidfd)
{
	struct pollfd *pfd = calloc(v->nr + 3, sizeof(*pfd));
	char name[STREAMER_NAME];
	int i, nr = v->nr;
	bool ended;

	if (!pfd) {
		streamer_fail(&v->s, "no memory to give images", "");
		return true;
	}
	for (i = 0; i < nr; i++)
		pfd[i] = (struct pollfd){
			.fd = v->stream[i].out, .events = POLLOUT,
		};
	streamer_poll(&v->s, &pfd[nr]);
	pfd[nr + 2] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	if (poll(pfd, nr + 3, -1) < 0) {
		free(pfd);
		return false;
	}
	for (i = 0; i < nr; i++) {
		if (v->stream[i].out >= 0 && pfd[i].revents)
			feed(v, &v->stream[i]);
	}
	if (streamer_take_request(&v->s, &pfd[nr], name))
		add_stream(v, name);
	ended = pfd[nr + 2].revents;
	free(pfd);
	return ended;
}

static void give_all(void *user, int pidfd)
{
	struct serve *v = user;

	while (!give_some(v, pidfd))
		;
}

/* Run a restore, for which serve_check() has been asked; returns what criu_run() does. */
int serve_run(struct criu_call *call, const struct pages *pages)
{
	struct serve v = { .pages = pages };
	int err = CRIU_FAILED, i;

	if (streamer_open(&v.s, call->dir, call->name, "streamer-serve.sock"))
		return CRIU_FAILED;
	v.piece = read_index(v.s.folder, pages->nr);
	criu_add(call, "--stream");
	if (v.piece)
		err = criu_run_beside(call, give_all, &v);
	for (i = 0; i < v.nr; i++)
		end_stream(&v.stream[i]);
	streamer_close(&v.s);
	free(v.stream);
	free(v.piece);
	return err;
}
