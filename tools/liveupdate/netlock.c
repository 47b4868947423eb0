// SPDX-License-Identifier: GPL-2.0
/*
 * From the dump of a service to its restore nobody answers its peers, not even to
 * say that there is no such connection: they try again until the service is back.
 *
 * CRIU has a table of rules for the connections that the service has, and removes it
 * when it has restored them. Ours is for those that others would begin meanwhile.
 * Both are kept with the images, so that the next kernel can have them before its
 * network is up.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "images.h"
#include "message.h"
#include "netlock.h"

/* Removes the tables; the lock begins with it, so that it can be loaded twice. */
#define UNLOCK		"unlock.nft"

/* What does not let new connections to these ports in. */
#define TABLE \
	"table inet %s {\n" \
	"	chain input {\n" \
	"		type filter hook input priority filter; policy accept;\n" \
	"		tcp dport { %s } tcp flags & (syn | ack) == syn drop\n" \
	"	}\n" \
	"}\n"

#define CRIU_TABLE	"table inet CRIU-"
#define NFT_TIMEOUT	10000	/* ms */
#define TABLES_MAX	65536
#define INVENTORY_MAX	4096
#define TCP_LISTENS	0x0a

/* Run nft in the folder of the images, with its output going to @output. */
static int run_nft(int dir, char *const argv[], int output)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		child_default_signals();
		if (!fchdir(dir) && dup2(output, STDOUT_FILENO) >= 0)
			execvp(argv[0], argv);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status)
		pr_err("nft has failed: is it installed, and in PATH, and has the kernel CONFIG_NF_TABLES_INET?");
	return status ? -1 : 0;
}

static int nft_file(int dir, const char *file)
{
	char *const argv[] = { "nft", "-f", (char *)file, NULL };

	return run_nft(dir, argv, STDERR_FILENO);
}

/*
 * The ports on which the service listens.
 */

static bool has_socket(pid_t pid, unsigned long inode)
{
	char path[64], target[64], wanted[64];
	struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, target,
			       sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		found = !strcmp(target, wanted);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Write those of one kind as a list; returns how many. */
static int list_ports(FILE *list, pid_t pid, const char *kind, int count)
{
	unsigned int port, state;
	unsigned long inode;
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/net/%s", pid, kind);
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*s %x %*s %*s %*s %*d %*d %lu",
			   &port, &state, &inode) == 3 &&
		    state == TCP_LISTENS && has_socket(pid, inode))
			fprintf(list, "%s%u", count++ ? ", " : "", port);
	}
	if (f)
		fclose(f);
	return count;
}

/* A service listens on sockets that its first process has. */
static void write_our_table(FILE *lock, const char *table, pid_t first)
{
	char *ports = NULL;
	size_t size;
	FILE *list = open_memstream(&ports, &size);
	int count;

	if (!list)
		return;
	count = list_ports(list, first, "tcp", 0);
	count = list_ports(list, first, "tcp6", count);
	fclose(list);
	if (count)
		fprintf(lock, TABLE, table, ports);
	free(ports);
}

/*
 * The table that CRIU has made.
 */

/* The name of the one that belongs to a dump is in that's inventory. */
static bool find_criu_table(int dir, const char *dump, char *table, size_t size)
{
	char *const argv[] = { "nft", "list", "tables", NULL };
	char path[64], *tables = malloc(TABLES_MAX), *line, *rest = tables;
	char inventory[INVENTORY_MAX];
	bool found = false;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/inventory.img", dump);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, inventory, sizeof(inventory));
	if (fd >= 0)
		close(fd);
	if (!tables || n < 0 || child_output(argv, tables, TABLES_MAX, NFT_TIMEOUT)) {
		free(tables);
		return false;
	}
	while (!found && (line = strsep(&rest, "\n"))) {
		if (strncmp(line, CRIU_TABLE, strlen(CRIU_TABLE)))
			continue;
		found = memmem(inventory, n, line + strlen(CRIU_TABLE),
			       strlen(line + strlen(CRIU_TABLE)));
		snprintf(table, size, "%s", line + strlen("table inet "));
	}
	free(tables);
	return found;
}

static void write_unlock(FILE *f, const char *table)
{
	/* That it is not there is no error so. */
	fprintf(f, "table inet %s\ndelete table inet %s\n", table, table);
}

/* No new peers from now on. Returns -1 if that cannot be had, which is said. */
int netlock_begin(int dir, const char *name, pid_t first)
{
	char table[96], *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int ret;

	if (!f)
		return -1;
	snprintf(table, sizeof(table), "lukeep-%s", name);
	write_unlock(f, table);
	fflush(f);
	ret = images_write(dir, UNLOCK, text);
	write_our_table(f, table, first);
	fclose(f);
	if (!ret)
		ret = images_write(dir, IMAGES_LOCK, text);
	free(text);
	return ret ?: netlock_load(dir);
}

/* Have a file make, or only remove, CRIU's table as well. */
static int append(int dir, const char *name, char *table, bool whole)
{
	char *const argv[] = { "nft", "list", "table", "inet", table, NULL };
	int fd = openat(dir, name, O_WRONLY | O_APPEND | O_CLOEXEC), ret = -1;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "a");

	if (f) {
		write_unlock(f, table);
		ret = fflush(f);
		if (!ret && whole)
			ret = run_nft(dir, argv, fd);
		fclose(f);
	} else if (fd >= 0) {
		close(fd);
	}
	return ret;
}

/* The service has been dumped: have the next kernel know who waits. */
int netlock_save(int dir, const char *dump)
{
	char table[128];

	if (!find_criu_table(dir, dump, table, sizeof(table)))
		return 0;	/* it has no connections */
	return append(dir, UNLOCK, table, false) ||
	       append(dir, IMAGES_LOCK, table, true) ? -1 : 0;
}

/* Have peers wait, in this kernel. */
int netlock_load(int dir)
{
	return images_has(dir, IMAGES_LOCK) ? nft_file(dir, IMAGES_LOCK) : 0;
}

/* The service is there, or will not be: peers are answered. */
void netlock_end(int dir)
{
	if (images_has(dir, UNLOCK))
		nft_file(dir, UNLOCK);
	images_remove(dir, IMAGES_LOCK);
	images_remove(dir, UNLOCK);
}
