// SPDX-License-Identifier: GPL-2.0
/*
 * The sessions of the machine that lukeep-machine.c feigns, with the errno that
 * liveupdate.h tells. Memfds and pipes can be preserved, and a tmpfs that is read-only.
 * The next kernel gets copies of memfds and pipes, so that a process of the kernel before
 * has no part in these, and another mount of a tmpfs.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lukeep-machine.h"
#include "lukeep-parts.h"

/**
 * struct kept - a file in a session
 * @next:  the next one
 * @token: by which it is asked for
 * @fd:    the file
 */
struct kept {
	struct kept *next;
	__u64 token;
	int fd;
};

/**
 * struct session - a session
 * @next:     the next one
 * @name:     its name
 * @incoming: the kernel before has handed it over
 * @open:     somebody has a file descriptor of it
 * @files:    what is in it
 */
struct session {
	struct session *next;
	char name[SESSION_NAME];
	bool incoming;
	bool open;
	struct kept *files;
};

static struct session *sessions;

static void drop_files(struct session *session)
{
	struct kept *kept;

	while ((kept = session->files)) {
		session->files = kept->next;
		close(kept->fd);
		free(kept);
	}
}

static void drop(struct session *session)
{
	struct session **p = &sessions;

	while (*p != session)
		p = &(*p)->next;
	*p = session->next;
	drop_files(session);
	free(session);
}

static struct session *find(const char *name, bool incoming)
{
	struct session *session;

	for (session = sessions; session; session = session->next) {
		if (session->incoming == incoming &&
		    !strcmp(session->name, name))
			return session;
	}
	return NULL;
}

int session_create(const char *name, struct session **created)
{
	struct session *session;

	if (find(name, false))
		return EEXIST;
	session = calloc(1, sizeof(*session));
	if (!session)
		return ENOMEM;
	snprintf(session->name, sizeof(session->name), "%s", name);
	session->open = true;
	session->next = sessions;
	sessions = session;
	*created = session;
	return 0;
}

int session_retrieve(const char *name, struct session **retrieved)
{
	struct session *session = find(name, true);

	if (!session)
		return ENOENT;
	if (session->open)
		return EINVAL;
	session->open = true;
	*retrieved = session;
	return 0;
}

static bool same_file(int a, int b)
{
	struct stat st, other;

	return !fstat(a, &st) && !fstat(b, &other) && st.st_ino == other.st_ino &&
	       st.st_dev == other.st_dev;
}

static bool is_preserved(int file)
{
	const struct session *session;
	const struct kept *kept;

	for (session = sessions; session; session = session->next) {
		for (kept = session->files; kept; kept = kept->next) {
			if (same_file(kept->fd, file))
				return true;
		}
	}
	return false;
}

static struct kept *find_file(const struct session *session, __u64 token)
{
	struct kept *kept;

	for (kept = session->files; kept; kept = kept->next) {
		if (kept->token == token)
			return kept;
	}
	return NULL;
}

/* Takes @file. */
static int add(struct session *session, __u64 token, int file)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept) {
		close(file);
		return ENOMEM;
	}
	kept->token = token;
	kept->fd = file;
	kept->next = session->files;
	session->files = kept;
	return 0;
}

static bool is_pipe(int file)
{
	return fcntl(file, F_GETPIPE_SZ) > 0;
}

/* What the handlers say; only memfds can be asked for their seals. */
static int can_preserve(int file)
{
	struct statvfs fs;

	if (fcntl(file, F_GET_SEALS) >= 0 || is_pipe(file))
		return 0;
	if (!is_tmpfs(file))
		return ENOENT;
	return !fstatvfs(file, &fs) && fs.f_flag & ST_RDONLY ? 0 : EBUSY;
}

int session_preserve(struct session *session, __u64 token, int file)
{
	int copy, err = 0;

	if (session->incoming)
		err = EINVAL;
	else if (find_file(session, token))
		err = EEXIST;
	else if (file < 0)
		err = EBADF;
	else if (is_preserved(file))
		err = EBUSY;
	else
		err = can_preserve(file);
	if (err)
		return err;
	copy = fcntl(file, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? errno : add(session, token, copy);
}

/* The file stays ours: the caller must not close it. */
int session_retrieve_fd(struct session *session, __u64 token, int *file)
{
	struct kept *kept = find_file(session, token);

	if (!session->incoming)
		return EINVAL;
	if (!kept)
		return ENOENT;
	*file = kept->fd;
	return 0;
}

/* A tmpfs becomes writable. */
int session_thaw(int file)
{
	const struct session *session;
	const struct kept *kept;

	for (session = sessions; session; session = session->next) {
		for (kept = session->files; kept && !session->incoming;
		     kept = kept->next) {
			if (same_file(kept->fd, file))
				return EBUSY;
		}
	}
	return 0;
}

int session_finish(struct session *session)
{
	if (!session->incoming)
		return EINVAL;
	drop_files(session);
	return 0;
}

const char *session_name(const struct session *session)
{
	return session->name;
}

/* Nobody has it any more. What is retrieved has been finished by that. */
void session_close(struct session *session)
{
	drop(session);
}

static void copy_data(int from, int to)
{
	off_t start = 0, end, size = lseek(from, 0, SEEK_END);
	void *data;

	if (ftruncate(to, size))
		fatal("a memfd of the next kernel");
	while (start < size) {
		start = lseek(from, start, SEEK_DATA);
		if (start < 0)
			return;		/* there is only a hole left */
		end = lseek(from, start, SEEK_HOLE);
		data = mmap(NULL, end - start, PROT_READ, MAP_SHARED, from, start);
		if (data == MAP_FAILED ||
		    pwrite(to, data, end - start, start) != end - start)
			fatal("the data of the next kernel");
		munmap(data, end - start);
		start = end;
	}
}

/* As the next kernel sees it: another file, with the data, seals and position. */
static int copy_file(int from)
{
	off_t position = lseek(from, 0, SEEK_CUR);
	int to = memfd_create("liveupdate", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (to < 0)
		fatal("a memfd of the next kernel");
	copy_data(from, to);
	lseek(to, position, SEEK_SET);
	if (fcntl(to, F_ADD_SEALS, fcntl(from, F_GET_SEALS)))
		fatal("the seals of the next kernel");
	close(from);
	return to;
}

/* The end of another pipe, with the data, and nobody at the other end. */
static int copy_pipe(int from)
{
	int ends[2], size = fcntl(from, F_GETPIPE_SZ);

	if (pipe2(ends, O_CLOEXEC) || fcntl(ends[1], F_SETPIPE_SZ, size) < size)
		fatal("a pipe of the next kernel");
	while (splice(from, NULL, ends[1], NULL, size, SPLICE_F_NONBLOCK) > 0)
		;
	close(ends[1]);
	close(from);
	return ends[0];
}

static int copy_for_next(int from)
{
	return is_tmpfs(from) ? copy_mount(from) :
	       is_pipe(from) ? copy_pipe(from) : copy_file(from);
}

/* The next kernel has what was to be handed over, and nothing else. */
void sessions_hand_over(void)
{
	struct session *session, *next;
	struct kept *kept;

	for (session = sessions; session; session = next) {
		next = session->next;
		if (session->incoming) {
			drop(session);
			continue;
		}
		session->incoming = true;
		session->open = false;
		for (kept = session->files; kept; kept = kept->next)
			kept->fd = copy_for_next(kept->fd);
	}
}

void sessions_drop(void)
{
	while (sessions)
		drop(sessions);
}
