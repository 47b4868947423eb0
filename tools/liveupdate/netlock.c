// SPDX-License-Identifier: GPL-2.0
/*
 * From the dump of a service to its restore nobody answers its peers, not even to
 * say that there is no such connection: they try again until the service is back.
 *
 * CRIU has a table of rules for the connections that the service has, and removes it
 * when it has restored them. Ours is for those that others would begin meanwhile. Both
 * are kept on a disk, so that the next kernel has them before its network is up, by
 * lukeep-netlock.service:
 *
 *	NAME.lock	makes the tables; it begins with what is in
 *	NAME.unlock	removes them, if they are there
 *
 * A bridge of this host has rules of its own, in files of their own, as not every kernel
 * knows such rules:
 *
 *	NAME.bridge-lock
 *	NAME.bridge-unlock
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "message.h"
#include "netlock.h"
#include "proc.h"

#define FOLDER		"/var/lib/lukeep"
#define LOCK		".lock"
#define UNLOCK		".unlock"
#define BRIDGE_LOCK	".bridge-lock"
#define BRIDGE_UNLOCK	".bridge-unlock"

/* What does not let new connections to these ports in. */
#define TABLE \
	"table inet %s {\n" \
	"	chain input {\n" \
	"		type filter hook input priority filter; policy accept;\n" \
	"		tcp dport { %s } tcp flags & (syn | ack) == syn drop\n" \
	"	}\n" \
	"}\n"

/* That it is not there is no error so. */
#define UNLOCK_TABLE	"table inet %s\ndelete table inet %s\n"
#define UNLOCK_BRIDGE \
	"table bridge lukeep-%s\ndelete table bridge lukeep-%s\n"
#define BRIDGE_TABLE	UNLOCK_BRIDGE "table bridge lukeep-%s {\n%s}\n"

#define NAME_SIZE	128
#define UNLOCK_SIZE	(2 * NAME_SIZE + sizeof(UNLOCK_TABLE))

#define NFT_FAILED \
	"nft has failed: is it installed, and in PATH, and has the kernel CONFIG_NF_TABLES_INET?"

#define FAMILY		"table inet "
#define CRIU_PREFIX	"CRIU-"
#define NFT_TIMEOUT	10000	/* ms */
#define INVENTORY_MAX	4096
#define TCP_LISTENS	0x0a

static const char *folder(void)
{
	return getenv("LUKEEP_STATE_DIR") ?: FOLDER;
}

static void path_of(char path[PATH_MAX], const char *name, const char *suffix)
{
	snprintf(path, PATH_MAX, "%s/%s%s", folder(), name, suffix);
}

/* Run nft, with its output going to @output. */
static int run_nft(char *const argv[], int output)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		child_default_signals();
		if (dup2(output, STDOUT_FILENO) >= 0)
			execvp(argv[0], argv);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status ? -1 : 0;
}

static int say(int err)
{
	if (err)
		pr_err(NFT_FAILED);
	return err;
}

/* Have it read a file of the service; 0 as well if there is none. */
static int try(const char *name, const char *suffix)
{
	char path[PATH_MAX], *const argv[] = { "nft", "-f", path, NULL };

	path_of(path, name, suffix);
	return access(path, F_OK) ? 0 : run_nft(argv, STDERR_FILENO);
}

/* The same; why it has not done so is said. */
static int load(const char *name, const char *suffix)
{
	return say(try(name, suffix));
}

static void remove_file(const char *name, const char *suffix)
{
	char path[PATH_MAX];

	path_of(path, name, suffix);
	unlink(path);
}

/*
 * The ports on which the service listens.
 */

static bool is_socket(void *wanted, const char *link)
{
	char target[64];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	target[n < 0 ? 0 : n] = '\0';
	return !strcmp(target, wanted);
}

static bool has_socket(pid_t pid, unsigned long inode)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	return proc_find_link(pid, "fd", is_socket, wanted);
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

/* A line for each table there is; returns -1 if that cannot be had, which is said. */
int netlock_tables(char tables[NETLOCK_TABLES])
{
	char *const argv[] = { "nft", "list", "tables", NULL };

	if (!child_output(argv, tables, NETLOCK_TABLES, NFT_TIMEOUT))
		return 0;
	pr_err(NFT_FAILED);
	return -1;
}

/* The name of the next one that is CRIU's; NULL at the end. */
static const char *next_criu_table(char **rest)
{
	const char *line;

	while ((line = strsep(rest, "\n"))) {
		if (!strncmp(line, FAMILY CRIU_PREFIX, strlen(FAMILY CRIU_PREFIX)))
			return line + strlen(FAMILY);
	}
	return NULL;
}

/*
 * The name of the one that belongs to a dump is in that's inventory. CRIU 3.17 names it
 * for the first process that it dumps, and does not find it when it has restored that.
 */
static bool find_criu_table(int dir, const char *dump, pid_t first,
			    char table[NAME_SIZE])
{
	char path[64], inventory[INVENTORY_MAX], pid[16];
	char tables[NETLOCK_TABLES], *rest = tables;
	const char *name, *id;
	bool found = false;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/inventory.img", dump);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, inventory, sizeof(inventory));
	if (fd >= 0)
		close(fd);
	snprintf(pid, sizeof(pid), "%d", first);
	if (n < 0 || netlock_tables(tables))
		return false;
	while (!found && (name = next_criu_table(&rest))) {
		id = name + strlen(CRIU_PREFIX);
		found = !strcmp(id, pid) ||
			memmem(inventory, n, id, strlen(id));
		snprintf(table, NAME_SIZE, "%s", name);
	}
	return found;
}

/* Add to a file; the next kernel gets to see it even if nobody syncs the disks. */
static int add(const char *name, const char *suffix, const char *text,
	       char *const nft[])
{
	char path[PATH_MAX];
	int fd, ret = -1;

	path_of(path, name, suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
	    (!nft || !say(run_nft(nft, fd))))
		ret = fsync(fd);
	if (ret)
		pr_err("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

/* No new peers from now on. Returns -1 if that cannot be had, which is said. */
int netlock_begin(const char *name, pid_t first)
{
	char table[NAME_SIZE], unlock[UNLOCK_SIZE], *ours = NULL;
	size_t size;
	FILE *f = open_memstream(&ours, &size);
	int ret;

	if (!f)
		return -1;
	snprintf(table, sizeof(table), "lukeep-%s", name);
	snprintf(unlock, sizeof(unlock), UNLOCK_TABLE, table, table);
	write_our_table(f, table, first);
	fclose(f);
	ret = add(name, UNLOCK, unlock, NULL) || add(name, LOCK, unlock, NULL) ||
	      add(name, LOCK, ours, NULL) || load(name, LOCK) ? -1 : 0;
	free(ours);
	return ret;
}

/* Have these @rules in our table as well. Returns -1 if that cannot be had, which is said. */
int netlock_add(const char *name, const char *rules)
{
	char *table;
	int ret;

	if (asprintf(&table, "table inet lukeep-%s {\n%s}\n", name, rules) < 0)
		return -1;
	ret = add(name, LOCK, table, NULL) || load(name, LOCK) ? -1 : 0;
	free(table);
	return ret;
}

/*
 * Have these @rules for packets that go from one port of a bridge to another. Returns -1
 * if the kernel has none such; nothing is left then.
 */
int netlock_add_bridge(const char *name, const char *rules)
{
	char *lock = NULL, *unlock = NULL;
	int ret = -1;

	if (asprintf(&lock, BRIDGE_TABLE, name, name, name, rules) >= 0 &&
	    asprintf(&unlock, UNLOCK_BRIDGE, name, name) >= 0 &&
	    !add(name, BRIDGE_UNLOCK, unlock, NULL) &&
	    !add(name, BRIDGE_LOCK, lock, NULL))
		ret = try(name, BRIDGE_LOCK);
	free(lock);
	free(unlock);
	if (ret) {
		remove_file(name, BRIDGE_LOCK);
		remove_file(name, BRIDGE_UNLOCK);
	}
	return ret;
}

/*
 * The service, whose first process was @first, has been dumped to a folder of @dir:
 * have the next kernel know who waits.
 */
int netlock_save(const char *name, pid_t first, int dir, const char *dump)
{
	char table[NAME_SIZE], unlock[UNLOCK_SIZE];
	char *const list[] = { "nft", "list", "table", "inet", table, NULL };

	if (!find_criu_table(dir, dump, first, table))
		return 0;	/* it has no connections */
	snprintf(unlock, sizeof(unlock), UNLOCK_TABLE, table, table);
	return add(name, UNLOCK, unlock, NULL) ||
	       add(name, LOCK, unlock, list) ? -1 : 0;
}

/* Have peers wait, in this kernel; those behind a bridge as well, if it can. */
int netlock_load(const char *name)
{
	if (try(name, BRIDGE_LOCK))
		pr_warn(NETLOCK_NO_BRIDGE);
	return load(name, LOCK);
}

/* The service is there, or will not be: peers are answered. */
void netlock_end(const char *name)
{
	try(name, BRIDGE_UNLOCK);
	load(name, UNLOCK);
	remove_file(name, LOCK);
	remove_file(name, UNLOCK);
	remove_file(name, BRIDGE_LOCK);
	remove_file(name, BRIDGE_UNLOCK);
}

/*
 * CRIU was killed as it dumped the service, and so has not removed its table: it is one
 * that was not there @before. So may be that of another service that is dumped at this
 * moment, which goes back to work as well.
 */
void netlock_forget_criu(const char *before)
{
	char tables[NETLOCK_TABLES], *rest = tables;
	const char *table;

	if (netlock_tables(tables))
		return;
	while ((table = next_criu_table(&rest))) {
		char *const delete[] = {
			"nft", "delete", "table", "inet", (char *)table, NULL
		};

		if (!strstr(before, table))
			say(run_nft(delete, STDERR_FILENO));
	}
}

/* Have the peers of all services wait. */
int netlock_load_all(void)
{
	struct dirent *entry;
	DIR *dir = opendir(folder());
	char *suffix;
	int ret = 0;

	while (dir && (entry = readdir(dir))) {
		suffix = strrchr(entry->d_name, '.');
		if (!suffix || strcmp(suffix, LOCK))
			continue;
		*suffix = '\0';
		ret |= netlock_load(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return ret;
}
