// SPDX-License-Identifier: GPL-2.0
/*
 * A service for the tests of lukeep on a machine that is feigned:
 *
 *	lukeep-service FOLDER NAME start|resume|save
 *
 * In its memory it has the numbers of the kernels that it has run in. It saves a
 * copy of that on USR1, and its save command sends that. In the folder are
 *
 *	NAME.log	what it has done, a line each: what it found in its memory and
 *			in what it saved, when it started; "saved"; "stopped"
 *	NAME.has	what it has in its memory, as soon as it serves
 *	NAME.pid	its pid
 *	NAME.mood	how it is, if there: "slow" before it serves, "late" before it
 *			saves, both as long as the file is there; "seals" what it
 *			saves; "deaf" to USR1 and TERM; "stumbles" when it resumes;
 *			"forgets" to save, and exits well; "outlives" its parent. Its
 *			save command: "refuses"; "hangs"; "lingers" when it is through;
 *			"dawdles", and the service with it
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#define TEXT_MAX	256

static const char *folder, *name;

static FILE *open_file(const char *suffix, const char *mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s%s", folder, suffix[0] == '.' ? name : "",
		 suffix);
	return fopen(path, mode);
}

static void read_file(const char *suffix, char text[TEXT_MAX])
{
	FILE *f = open_file(suffix, "re");

	*text = '\0';
	if (!f)
		return;
	if (fgets(text, TEXT_MAX, f))
		text[strcspn(text, "\n")] = '\0';
	fclose(f);
}

__attribute__((format(printf, 3, 4)))
static void write_file(const char *suffix, const char *mode, const char *fmt, ...)
{
	FILE *f = open_file(suffix, mode);
	va_list ap;

	if (!f)
		exit(10);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static bool mood_is(const char *mood)
{
	char text[TEXT_MAX];

	read_file(".mood", text);
	return !strcmp(text, mood);
}

static void while_mood_is(const char *mood)
{
	while (mood_is(mood))
		usleep(10000);
}

/* One that may have been renamed in the declaration. */
static int memfd(const char *variable, const char *other)
{
	const char *number = getenv(variable) ?: getenv(other);

	if (!number)
		exit(11);
	return atoi(number);
}

static void read_memfd(int fd, char text[TEXT_MAX])
{
	ssize_t n = pread(fd, text, TEXT_MAX - 1, 0);

	text[n > 0 ? n : 0] = '\0';
}

static void write_memfd(int fd, const char *text)
{
	if (ftruncate(fd, strlen(text)) ||
	    pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		exit(12);
}

static void signals(int how)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGTERM);
	sigprocmask(how, &mask, NULL);
}

static int wait_for_signal(void)
{
	sigset_t mask;
	int number;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGTERM);
	do {
		sigwait(&mask, &number);
	} while (mood_is("deaf"));
	return number;
}

static void serve(int memory, int saved)
{
	char text[TEXT_MAX];
	int number;

	if (mood_is("seals"))
		fcntl(saved, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
	if (mood_is("outlives"))
		prctl(PR_SET_PDEATHSIG, 0);
	number = wait_for_signal();
	if (number == SIGUSR1 && !mood_is("forgets")) {
		while_mood_is("late");
		while_mood_is("dawdles");
		read_memfd(memory, text);
		write_memfd(saved, text);
	}
	write_file(".log", "ae", number == SIGUSR1 ? "saved\n" : "stopped\n");
}

static int save(void)
{
	char pid[TEXT_MAX];

	if (mood_is("refuses"))
		return 3;
	while_mood_is("hangs");
	read_file(".pid", pid);
	if (kill(atoi(pid), SIGUSR1))
		return 4;
	while_mood_is("lingers");
	while_mood_is("dawdles");
	return 0;
}

int main(int argc, char **argv)
{
	int memory, saved;
	char had[TEXT_MAX], was[TEXT_MAX], kernel[TEXT_MAX];

	if (argc != 4)
		return 2;
	folder = argv[1];
	name = argv[2];
	if (!strcmp(argv[3], "save"))
		return save();

	while_mood_is("slow");
	signals(SIG_BLOCK);
	memory = memfd("LUKEEP_FD_memory", "LUKEEP_FD_renamed");
	saved = memfd("LUKEEP_FD_saved", "");
	read_memfd(memory, had);
	read_memfd(saved, was);
	read_file("kernel", kernel);
	write_file(".log", "ae", "%s memory=%s saved=%s\n", argv[3], had, was);
	if (!strcmp(argv[3], "resume") && mood_is("stumbles"))
		return 8;
	if (strcmp(had, was))
		return 7;
	strncat(had, kernel, sizeof(had) - strlen(had) - 1);
	write_memfd(memory, had);
	write_file(".pid", "we", "%d\n", getpid());
	write_file(".has", "we", "%s\n", had);
	sd_notify(0, "READY=1");
	serve(memory, saved);
	return 0;
}
