// SPDX-License-Identifier: GPL-2.0
/*
 * Containers of podman: what it says of one, and having it dump and restore one by
 * CRIU. A checkpoint is in podman's own storage, which is on a disk: podman writes it
 * there in any case, and finds it there in the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "criu.h"
#include "message.h"
#include "podman.h"
#include "util.h"

#define TIMEOUT		180000	/* ms */

/* What a checkpoint takes at most, with a NULL behind */
#define ARGUMENTS	9

/* What "podman container exists" exits with then; with others if it cannot tell */
#define NOT_THERE	1

/* What a command of podman has said, in the folder of the service */
#define SAID		"podman.log"

/* In the order of the lines that podman_find() takes apart */
#define FORMAT \
	"{{.OCIRuntime}}\n{{.HostConfig.RestartPolicy.Name}}\n" \
	"{{.HostConfig.PidMode}}\n" \
	"{{.HostConfig.AutoRemove}}\n{{.HostConfig.NetworkMode}}\n" \
	"{{.State.Running}}\n{{.State.Checkpointed}}\n{{.State.Pid}}\n{{.State.ExitCode}}\n" \
	"{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{end}}\n" \
	"{{range $port, $ends := .NetworkSettings.Ports}}{{range $ends}}" \
	"{{$port}}:{{.HostPort}}:{{.HostIP}} {{end}}{{end}}\n" \
	"{{.StaticDir}}\n{{range .Mounts}}{{.Source}}\n{{end}}"

/* Where CRIU is told how to have peers wait; podman has no option for that. */
static const char * const configurations[] = {
	"/etc/criu/default.conf", "/etc/criu/crun.conf", "/etc/criu/runc.conf",
};

static const char *next_line(char **rest)
{
	return strsep(rest, "\n") ?: "";
}

/*
 * Ask podman, which answers when nobody dumps or restores the container any more. Returns
 * -1 if it does not know the container, which is said.
 */
int podman_find(struct container *c, const char *name)
{
	char *const argv[] = {
		"podman", "container", "inspect", "--format", FORMAT,
		(char *)name, NULL
	};
	char *rest = c->output;

	c->name = name;
	if (child_output(argv, c->output, sizeof(c->output), TIMEOUT) ||
	    !*c->output) {
		pr_err("podman knows no container %s: is podman installed, and has root created the container?",
		       name);
		return -1;
	}
	c->runtime = next_line(&rest);
	c->restarts = next_line(&rest);
	c->pids = next_line(&rest);
	c->removed = !strcmp(next_line(&rest), "true");
	c->network = next_line(&rest);
	c->on_host = !strcmp(c->network, "host");
	c->running = !strcmp(next_line(&rest), "true");
	c->dumped = !strcmp(next_line(&rest), "true");
	c->pid = atoi(next_line(&rest));
	c->status = atoi(next_line(&rest));
	c->addresses = next_line(&rest);
	c->addresses += strspn(c->addresses, " ");
	c->ports = next_line(&rest);
	c->folder = next_line(&rest);
	c->sources = rest;
	return 0;
}

/* Is it sure that there is no such container any more? Podman may be in trouble instead. */
bool podman_has_removed(const char *name)
{
	char *const argv[] = {
		"podman", "container", "exists", (char *)name, NULL
	};
	const int status = child_run(argv);

	return WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE;
}

/* Podman's usual runtime can be built without CRIU. */
static bool knows_criu(const char *runtime)
{
	char *const argv[] = { (char *)runtime, "--version", NULL };
	char version[1024];

	return child_output(argv, version, sizeof(version), TIMEOUT) ||
	       !strstr(version, "crun") || strstr(version, "+CRIU");
}

/* Rules of iptables would not be there in the next kernel. */
static bool locks_by_nftables(void)
{
	char text[4096];
	bool found = false;
	ssize_t n;
	size_t i;
	int fd;

	for (i = 0; !found && i < ARRAY_SIZE(configurations); i++) {
		fd = open(configurations[i], O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		text[n < 0 ? 0 : n] = '\0';
		found = strstr(text, "network-lock nftables");
		close_fd(&fd);
	}
	return found;
}

/*
 * Is its network one that podman or the kernel has again, as it was? Else a program passes
 * on what it says, and knows nothing of it in the next kernel, or others have the network.
 */
static bool network_goes_on(const struct container *c)
{
	return c->on_host || !strcmp(c->network, "bridge") ||
	       !strcmp(c->network, "none");
}

static bool is_on_tmpfs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* Will the next kernel have what the container has from the host? */
static int check_sources(struct container *c)
{
	const char *source;

	if (is_on_tmpfs(c->folder)) {
		pr_err("podman's storage %s is on a tmpfs, which the next kernel will not have: have it on a disk",
		       c->folder);
		return -1;
	}
	while (*(source = next_line(&c->sources))) {
		if (!is_on_tmpfs(source))
			continue;
		pr_err("the container %s has a volume %s, on a tmpfs, which the next kernel will not have: have it on a disk",
		       c->name, message_shown(source));
		return -1;
	}
	return 0;
}

/* Can the container go on in the next kernel? Returns -1 if not, which is said. */
int podman_check(struct container *c)
{
	if (!c->running)
		pr_err("the container %s does not run: see podman ps --all",
		       c->name);
	else if (c->removed)
		pr_err("podman removes the container %s when it ends, and what is dumped with it: create it without --rm",
		       c->name);
	else if (*c->restarts && strcmp(c->restarts, "no"))
		pr_err("podman starts the container %s again when it ends, as it does when it is dumped: create it without --restart, and declare restart = yes",
		       c->name);
	else if (strcmp(c->pids, "private"))
		pr_err("the container %s has no PIDs of its own, and others may have them in the next kernel: create it without --pid",
		       c->name);
	else if (!knows_criu(c->runtime))
		pr_err("the runtime %s of the container %s was built without CRIU, as Debian 12's crun is: take podman and crun of Debian 13",
		       c->runtime, c->name);
	else if (!network_goes_on(c))
		pr_err("the container %s has the network %s, by which no connection goes on: create it with --network bridge, host or none, and in no pod",
		       c->name, message_shown(c->network));
	else if ((c->on_host || *c->addresses) && !locks_by_nftables())
		pr_err("CRIU is not told to have peers of the container %s wait by nftables: write \"network-lock nftables\" to %s",
		       c->name, configurations[0]);
	else
		return check_sources(c);
	return -1;
}

/* The last line that a command has said, which is what podman gives as the reason. */
static void last_line(int dir, char *line, size_t size)
{
	int fd = openat(dir, SAID, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;

	snprintf(line, size, "it has said nothing");
	while (f && getline(&text, &room, f) > 0) {
		text[strcspn(text, "\n")] = '\0';
		if (*text)
			snprintf(line, size, "%s", message_shown(text));
	}
	free(text);
	if (f)
		fclose(f);
}

static pid_t running;

/* It takes too long. We have to see to what it leaves behind. */
static void on_term(int sig)
{
	(void)sig;
	kill(-running, SIGKILL);
}

/*
 * Run a command of podman's to its end. What it leaves behind may have its output open,
 * so that is a file, in @dir. Returns -1 if it fails, and the reason is in that file.
 */
static int run(int dir, char *const argv[])
{
	int status = -1, fd, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	fd = openat(dir, SAID, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	running = fork();
	if (!running) {
		setpgid(0, 0);
		child_default_signals();
		if (dup2(null, STDIN_FILENO) >= 0 &&
		    dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0)
			execvp(argv[0], argv);
		_exit(127);
	}
	close_fd(&fd);
	close_fd(&null);
	if (running < 0)
		return -1;
	signal(SIGTERM, on_term);
	waitpid(running, &status, 0);
	signal(SIGTERM, SIG_DFL);
	return status ? -1 : 0;
}

static void explain(const struct container *c, int dir, const char *verb)
{
	char why[256];

	last_line(dir, why, sizeof(why));
	pr_err("podman cannot %s the container %s: %s", verb, c->name, why);
}

/* Have podman do @verb; why it has not is said. */
int podman_run(const struct container *c, int dir, const char *verb,
	       char *const argv[])
{
	const int err = run(dir, argv);

	if (err)
		explain(c, dir, verb);
	return err;
}

/* As above, by CRIU, which has a log of its own in the container's folder. */
static int run_criu(const struct container *c, int dir, const char *verb,
		    char *const argv[])
{
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char log[32];
	int err;

	snprintf(log, sizeof(log), "%s.log", verb);
	unlinkat(folder, log, 0);
	err = run(dir, argv);
	if (err && !criu_explain(verb, folder, c->folder))
		explain(c, dir, verb);
	close_fd(&folder);
	return err;
}

/* Dump its memory while it runs. */
int podman_predump(const struct container *c, int dir)
{
	char *const argv[] = {
		"podman", "container", "checkpoint", "--pre-checkpoint",
		(char *)c->name, NULL
	};

	return run_criu(c, dir, "dump", argv);
}

/*
 * Dump it; then it @ends, or goes on. Of its memory that is only the @rest, which has
 * changed since the pre-dump, if there is one.
 */
int podman_checkpoint(const struct container *c, int dir, bool ends, bool rest)
{
	char *argv[ARGUMENTS] = {
		"podman", "container", "checkpoint", "--tcp-established",
		"--file-locks",
	};
	char **next = &argv[5];

	if (!ends)
		*next++ = "--leave-running";
	if (rest)
		*next++ = "--with-previous";
	*next = (char *)c->name;
	return run_criu(c, dir, "dump", argv);
}

int podman_restore(const struct container *c, int dir)
{
	char *const argv[] = {
		"podman", "container", "restore", "--tcp-established",
		"--file-locks", (char *)c->name, NULL
	};

	return run_criu(c, dir, "restore", argv);
}
