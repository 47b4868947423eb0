// SPDX-License-Identifier: GPL-2.0
/*
 * The next kernel: its command line, loading it, and entering it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/reboot.h>
#include <systemd/sd-daemon.h>

#include "lukeep.h"

#define CMDLINE_MAX	4096

static int read_cmdline(char *buf, size_t len)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, len - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		pr_err("cannot read /proc/cmdline: %s: mount /proc",
		       strerror(errno));
		return -1;
	}
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

/* What this boot was told by who started it, which is not the next boot's. */
static bool is_of_this_boot(const char *word)
{
	return !strncmp(word, CMDLINE_LEFT, strlen(CMDLINE_LEFT)) ||
	       !strncmp(word, "BOOT_IMAGE=", strlen("BOOT_IMAGE=")) ||
	       !strncmp(word, "initrd=", strlen("initrd="));
}

/* Leave out the words of this boot; what is quoted stays as it is. */
static void copy_words(FILE *to, char *words)
{
	bool quoted = false;
	char *word = words, *c;

	for (c = words; ; c++) {
		if (*c == '"')
			quoted = !quoted;
		if (*c && (*c != ' ' || quoted))
			continue;
		if (c > word && !is_of_this_boot(word))
			fprintf(to, "%.*s ", (int)(c - word), word);
		word = c + 1;
		if (!*c)
			return;
	}
}

/* The next kernel's command line. Caller frees it. */
char *kexec_cmdline(bool reuse, const char *append)
{
	char current[CMDLINE_MAX], *cmdline = NULL;
	struct utsname uts;
	size_t len;
	FILE *f;

	if (reuse && read_cmdline(current, sizeof(current)))
		return NULL;
	f = open_memstream(&cmdline, &len);
	if (!f) {
		pr_err("out of memory");
		return NULL;
	}
	if (reuse)
		copy_words(f, current);
	if (append)
		fprintf(f, "%s ", append);
	uname(&uts);
	fprintf(f, CMDLINE_LEFT "%s", uts.release);
	fclose(f);
	return cmdline;
}

/* Did an update bring us here? Then tell from which kernel. */
bool kexec_left(char release[RELEASE_MAX])
{
	char current[CMDLINE_MAX], *word;

	if (read_cmdline(current, sizeof(current)))
		return false;
	word = strstr(current, CMDLINE_LEFT);
	if (!word)
		return false;
	word += strlen(CMDLINE_LEFT);
	snprintf(release, RELEASE_MAX, "%.*s", (int)strcspn(word, " "), word);
	return true;
}

/* Run a program, with both outputs to @output unless that is -1. */
static pid_t spawn(char *const argv[], int output)
{
	sigset_t none;
	pid_t pid;

	pid = fork();
	if (pid)
		return pid;
	if (output >= 0) {
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "cannot run %s: %s: is it installed, and in PATH?\n",
		argv[0], strerror(errno));
	_exit(127);
}

/* Begin to load the next kernel; what kexec says goes to @output. */
pid_t kexec_load(const char *kernel, const char *initrd, const char *cmdline,
		 int output)
{
	char *argv[7] = { "kexec", "-s", "-l" };
	pid_t pid = -1;

	argv[3] = strdup(kernel);
	if (!argv[3] ||
	    asprintf(&argv[4], "--command-line=%s", cmdline) < 0 ||
	    (initrd && asprintf(&argv[5], "--initrd=%s", initrd) < 0))
		errno = ENOMEM;
	else
		pid = spawn(argv, output);
	if (pid < 0)
		pr_err("cannot run kexec: %s: free some memory and try again",
		       strerror(errno));
	free(argv[3]);
	free(argv[4]);
	free(argv[5]);
	return pid;
}

static int run(char *const argv[])
{
	int status = -1;
	pid_t pid = spawn(argv, -1);

	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* Has anybody loaded a next kernel? */
bool kexec_is_loaded(void)
{
	int fd = open("/sys/kernel/kexec_loaded", O_RDONLY | O_CLOEXEC);
	char c = '0';

	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = '0';
	close(fd);
	return c == '1';
}

/* There is no next kernel any more. */
void kexec_unload(void)
{
	if (run((char *[]){ "kexec", "-s", "-u", NULL }))
		pr_err("cannot unload the next kernel: do it with kexec -s -u, lest it is entered without the services");
}

static const char *advise(int err)
{
	switch (err) {
	case EPERM:
		return "run lukeep as root";
	case EINVAL:
		return "who unloaded the next kernel?";
	case EOPNOTSUPP:
		return "who loaded another kernel, which gets nothing of the services' memory?";
	default:
		return "dmesg says who refused; then try again";
	}
}

/*
 * Enter the next kernel. Returns 0 when systemd was asked to, who shuts the
 * system down first, and -1 when it is not possible.
 */
int kexec_jump(bool now)
{
	if (sd_booted() > 0 && !now) {
		if (!run((char *[]){ "systemctl", "kexec", "--no-block", NULL }))
			return 0;
		pr_err("\"systemctl kexec\" failed: see what it says; --now does without it");
		return -1;
	}
	sync();
	reboot(LINUX_REBOOT_CMD_KEXEC);
	pr_err("the kernel refused: %s: %s", strerror(errno), advise(errno));
	return -1;
}
