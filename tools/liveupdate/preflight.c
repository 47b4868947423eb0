// SPDX-License-Identifier: GPL-2.0
/*
 * Will all files of a service be there in the next kernel? CRIU finds out when it
 * restores the service, and then nothing can be undone. What is on a disk will be
 * there, and what is on a tmpfs only if that is preserved.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "message.h"
#include "namespace.h"
#include "peers.h"
#include "preflight.h"
#include "proc.h"
#include "util.h"

#define ANON_INODE	"anon_inode:"

#define PEER_TRIES	3

/**
 * struct check - a preflight
 * @preserved: folders on file systems that are preserved; NULL ends them
 * @pid:       the process that is looked at
 * @lacking:   so many files will not be there
 * @refused:   one is of a kind that cannot be dumped
 */
struct check {
	char *const *preserved;
	pid_t pid;
	int lacking;
	bool refused;
};

/* The file at @path will not be there: the first one is named, the others would be many. */
static void lack(struct check *check, const char *what, const char *path)
{
	char name[PROC_NAME];

	if (check->lacking++)
		return;
	proc_name(check->pid, name);
	pr_err("%s of process %d (%s) is %s, on a tmpfs, which the next kernel will not have: have the service keep it on a disk, or on a tmpfs that is declared",
	       what, check->pid, name, message_shown(path));
}

/* Is there what @path names, on a file system that the next kernel has as well? */
static bool stays(const struct check *check, const char *path)
{
	struct stat st, other;
	struct statfs fs;
	char *const *folder;

	if (stat(path, &st) || statfs(path, &fs))
		return true;	/* it is closed by now, or CRIU will know */
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		return true;
	/* That of devices counts as a tmpfs, too. */
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return true;
	for (folder = check->preserved; *folder; folder++) {
		if (!stat(*folder, &other) && other.st_dev == st.st_dev)
			return true;
	}
	return false;
}

/* What CRIU does not dump, and would say no sooner than when the service stands still. */
static bool is_refused(const char *target)
{
	static const char * const kinds[] = {
		"[io_uring]", "[perf_event]", "[userfaultfd]",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strncmp(target, ANON_INODE, strlen(ANON_INODE)) &&
		    !strcmp(target + strlen(ANON_INODE), kinds[i]))
			return true;
	}
	return false;
}

static void refuse(struct check *check, const char *target)
{
	char name[PROC_NAME];

	proc_name(check->pid, name);
	check->refused = true;
	pr_err("an open file of process %d (%s) is %s, which CRIU does not dump: have the service do without",
	       check->pid, name, target);
}

/* Memory that has a name, or is shared, is on a tmpfs of the kernel; CRIU has it in its images. */
static bool is_memory(const char *target)
{
	return *target != '/' || !strncmp(target, "/memfd:", strlen("/memfd:")) ||
	       !strncmp(target, "/SYSV", strlen("/SYSV")) ||
	       !strcmp(target, "/dev/zero (deleted)");
}

/* The path to which this socket is bound; false when it is to none. */
static bool path_of_socket(const struct check *check, unsigned long inode,
			   char path[PATH_MAX])
{
	char line[PATH_MAX + 128];
	unsigned long other = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/net/unix", check->pid);
	f = fopen(line, "re");
	*path = '\0';
	while (f && other != inode && fgets(line, sizeof(line), f)) {
		*path = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %4095[^\n]",
			   &other, path) < 1)
			other = 0;
	}
	if (f)
		fclose(f);
	return other == inode && *path == '/';
}

/* A socket that is bound to a path is made again in the folder of that. */
static void check_socket(struct check *check, unsigned long inode)
{
	char path[PATH_MAX], folder[PATH_MAX];

	if (!path_of_socket(check, inode, path))
		return;
	memcpy(folder, path, sizeof(folder));
	if (!stays(check, dirname(folder)))
		lack(check, "a socket", path);
}

static void check_link(struct check *check, const char *what, const char *link)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	unsigned long inode;

	if (n < 0)
		return;
	target[n] = '\0';
	if (sscanf(target, "socket:[%lu]", &inode) == 1)
		check_socket(check, inode);
	else if (is_refused(target))
		refuse(check, target);
	else if (!is_memory(target) && !stays(check, link))
		lack(check, what, target);
}

static bool check_open_file(void *check, const char *link)
{
	check_link(check, "an open file", link);
	return false;
}

static bool check_mapped_file(void *check, const char *link)
{
	check_link(check, "a mapped file", link);
	return false;
}

static void check_process(void *user, pid_t pid)
{
	static const struct {
		const char *what;
		const char *link;
	} links[] = {
		{ "the program", "exe" },
		{ "the working directory", "cwd" },
		{ "the root directory", "root" },
	};
	struct check *check = user;
	char path[64];
	size_t i;

	check->pid = pid;
	for (i = 0; i < ARRAY_SIZE(links); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", check->pid,
			 links[i].link);
		check_link(check, links[i].what, path);
	}
	proc_find_link(pid, "fd", check_open_file, check);
	proc_find_link(pid, "map_files", check_mapped_file, check);
}

static bool add_socket(void *sockets, const char *link)
{
	char target[64];
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	unsigned long inode;

	target[n < 0 ? 0 : n] = '\0';
	if (sscanf(target, "socket:[%lu]", &inode) == 1)
		sockets_add(sockets, inode);
	return false;
}

static void add_sockets(void *sockets, pid_t pid)
{
	proc_find_link(pid, "fd", add_socket, sockets);
}

/*
 * Has the service whose first process is @first no socket with a peer that stays behind?
 * Returns -1 if it has, which is said. A peer that has come since its sockets were listed
 * looks like one outside, so that is asked again.
 */
int preflight_peers(pid_t first)
{
	unsigned long inode = 1;
	char name[PEER_NAME];
	int i;

	for (i = 0; inode && i < PEER_TRIES; i++) {
		struct sockets sockets = { };

		namespace_each(first, add_sockets, &sockets);
		inode = sockets_find_outside(&sockets, name);
		sockets_free(&sockets);
	}
	if (!inode)
		return 0;
	pr_err("a Unix socket of it (inode %lu) is connected with another program%s%s, which CRIU does not keep: have the service log to its standard error, and do without D-Bus",
	       inode, *name ? ", at " : "", message_shown(name));
	return -1;
}

/* CRIU opens /proc of the namespace with the rights of the first process. */
static bool is_of_root(pid_t first)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", first);
	if (stat(path, &st) || !st.st_uid)
		return true;
	pr_err("its first process is not of root, so CRIU cannot dump it: have a script of root start the program as its user, and wait for it");
	return false;
}

/*
 * Can CRIU dump the service whose first process is @first, and will the next kernel
 * have all of its files, and the folder @images? Besides those on disks it will have
 * those on the file systems of the folders @preserved. Returns -1 if not, which is said.
 */
int preflight(pid_t first, const char *images, char *const preserved[])
{
	struct check check = { .preserved = preserved };

	if (!is_of_root(first))
		return -1;
	if (!stays(&check, images)) {
		pr_err("the folder of its images is %s, on a tmpfs, which the next kernel will not have: have it on a disk, or on the tmpfs of the declaration",
		       images);
		return -1;
	}
	namespace_each(first, check_process, &check);
	if (preflight_peers(first))
		check.refused = true;
	if (check.lacking > 1)
		pr_warn("and so are %d more of its files", check.lacking - 1);
	return check.lacking || check.refused ? -1 : 0;
}
