// SPDX-License-Identifier: GPL-2.0
/*
 * A machine for lukeep with its shim, feigned by a process, with kernels that
 * hand sessions to each other, and without any effect on this host:
 *
 *	lukeep-machine FOLDER run COMMAND...
 *	lukeep-machine FOLDER load CMDLINE | unload | reboot | reset
 *
 * The first is the machine, and ends with COMMAND, by which it is tested. It adopts
 * all processes that lose their parent. When a kernel is replaced, all processes
 * end that have FOLDER in the variable LUKEEP_MACHINE, and all that they started.
 * The others ask it for something. A reset leaves a machine that runs its first
 * kernel, with nothing on it.
 *
 * In the folder, besides what lukeep-shim.c tells, are
 *
 *	calls		each call, and its errno, or that it hangs
 *	fault.CALL	"ERRNO [SKIP [COUNT]]" makes a call fail, but not the first
 *			SKIP times, and only COUNT times; with ERRNO "hang" it does
 *			not return as long as the file is there. With ".SESSION"
 *			after that it is for one session
 *	no-tmpfs	a tmpfs cannot be preserved, if there
 *	loaded		the command line of the kernel that is loaded
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "lukeep-machine.h"
#include "lukeep-parts.h"

#define MAX_CONNECTIONS	1000
#define RETRY_MS	20

/* How long the machine is away in an update, in seconds of its clock. */
#define AWAY		2

/**
 * struct connection - a file descriptor that somebody has
 * @fd:	     our end
 * @device:  theirs is the device
 * @session: theirs is a session, or NULL
 * @waits:   a request is not answered yet
 * @hangs:   and this is on purpose
 * @request: that one
 * @file:    the file that came with it
 */
struct connection {
	int fd;
	bool device;
	struct session *session;
	bool waits;
	bool hangs;
	struct machine_request request;
	int file;
};

static pid_t command;
static int kernel;
static struct connection *connections[MAX_CONNECTIONS];
static int nr_connections;

/*
 * What can be asked for.
 */

static void drop_connection(int i)
{
	struct connection *c = connections[i];

	connections[i] = connections[--nr_connections];
	if (c->session)
		session_close(c->session);
	if (c->file >= 0)
		close(c->file);
	close(c->fd);
	free(c);
}

static struct connection *add_connection(int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c || nr_connections == MAX_CONNECTIONS)
		fatal("a connection");
	c->fd = fd;
	c->file = -1;
	connections[nr_connections++] = c;
	return c;
}

static bool device_is_open(void)
{
	int i;

	for (i = 0; i < nr_connections; i++) {
		if (connections[i]->device)
			return true;
	}
	return false;
}

/* A kernel begins to run, without processes and connections of another one. */
static void start_kernel(int number, const char *cmdline)
{
	char text[16];

	end_processes(command);
	drop_mounts();
	set_file("root/proc/cmdline", cmdline);
	set_file("root/sys/kernel/kexec_loaded", "0");
	set_file("loaded", NULL);
	kernel = number;
	snprintf(text, sizeof(text), "%d", number);
	set_file("kernel", text);
}

/* Its clock has gone on; the test may have put it back. */
static void move_clock(void)
{
	FILE *f = open_file("clock", "re");
	char text[16];
	int ahead = 0;

	if (f && fscanf(f, "%d", &ahead) != 1)
		ahead = 0;
	if (f)
		fclose(f);
	snprintf(text, sizeof(text), "%d", ahead + AWAY);
	set_file("clock", text);
}

/* Sessions are handed over before those who hold them are gone. */
static int do_reboot(void)
{
	char cmdline[CMDLINE];
	FILE *f = open_file("loaded", "re");
	int i;

	if (!f)
		return EINVAL;
	if (!fgets(cmdline, sizeof(cmdline), f))
		*cmdline = '\0';
	cmdline[strcspn(cmdline, "\n")] = '\0';
	fclose(f);
	sessions_hand_over();
	for (i = 0; i < nr_connections; i++)
		connections[i]->session = NULL;
	move_clock();
	start_kernel(kernel + 1, cmdline);
	return 0;
}

static int do_reset(void)
{
	int i;

	for (i = 0; i < nr_connections; i++)
		connections[i]->session = NULL;
	sessions_drop();
	set_file("clock", NULL);
	start_kernel(1, "BOOT_IMAGE=/vmlinuz root=/dev/vda1 kho=on liveupdate=on");
	return 0;
}

/* Somebody gets a session, as a file. */
static int give_session(struct connection *c, int *file)
{
	struct machine_request *r = &c->request;
	struct session *session;
	int ends[2], err;

	if (!c->device)
		return ENOTTY;
	err = r->call == CALL_CREATE ? session_create(r->name, &session) :
				       session_retrieve(r->name, &session);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		fatal("a session");
	add_connection(ends[0])->session = session;
	*file = ends[1];
	return 0;
}

static int do_session_call(struct connection *c, int *file)
{
	struct machine_request *r = &c->request;

	if (!c->session)
		return ENOTTY;
	switch (r->call) {
	case CALL_PRESERVE:
		return session_preserve(c->session, r->token, c->file);
	case CALL_RETRIEVE_FD:
		return session_retrieve_fd(c->session, r->token, file);
	case CALL_FINISH:
		return session_finish(c->session);
	default:
		return 0;	/* its name is in each answer */
	}
}

static int do_call(struct connection *c, int *file)
{
	switch (c->request.call) {
	case CALL_OPEN:
		if (device_is_open())
			return EBUSY;
		c->device = true;
		return 0;
	case CALL_CREATE:
	case CALL_RETRIEVE:
		return give_session(c, file);
	case CALL_LOAD:
		set_file("loaded", c->request.cmdline);
		set_file("root/sys/kernel/kexec_loaded", "1");
		return 0;
	case CALL_UNLOAD:
		set_file("loaded", NULL);
		set_file("root/sys/kernel/kexec_loaded", "0");
		return 0;
	case CALL_REBOOT:
		return do_reboot();
	case CALL_RESET:
		return do_reset();
	case CALL_FREEZE:
		return 0;
	case CALL_THAW:
		return session_thaw(c->file);
	default:
		return do_session_call(c, file);
	}
}

/* Answer a request, unless that has to hang. */
static void serve(struct connection *c)
{
	struct machine_answer answer = { };
	int file = -1;
	bool given;

	snprintf(answer.name, sizeof(answer.name), "%s", c->session ?
		 session_name(c->session) : c->request.name);
	answer.err = fault(c->request.call, answer.name, &c->waits);
	if (c->waits && !c->hangs)
		log_call(kernel, c->request.call, answer.name, -1);
	c->hangs = c->waits;
	if (c->waits)
		return;
	if (!answer.err)
		answer.err = do_call(c, &file);
	given = file >= 0 && c->request.call != CALL_RETRIEVE_FD;
	log_call(kernel, c->request.call, answer.name, answer.err);
	send_packet(c->fd, &answer, sizeof(answer), file);
	if (given)
		close(file);
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
}

static void receive(struct connection *c)
{
	ssize_t n = receive_packet(c->fd, &c->request, sizeof(c->request),
				   &c->file);

	c->waits = n == sizeof(c->request) && c->request.call < NR_CALLS;
}

/*
 * The machine.
 */

/* First take note of who has gone, then of what others want. */
static void serve_all(struct pollfd *fds, int nr)
{
	int i;

	for (i = nr - 1; i >= 0; i--) {
		if (fds[i].revents & (POLLHUP | POLLERR))
			drop_connection(i);
		else if (fds[i].revents & POLLIN)
			receive(connections[i]);
	}
	for (i = 0; i < nr_connections; i++) {
		if (connections[i]->waits)
			serve(connections[i]);
	}
}

/* Returns the command's exit status, or -1 as long as it runs. */
static int reap(int signals)
{
	struct signalfd_siginfo si;
	int status, exited = -1;
	pid_t pid;

	while (read(signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			return 128 + si.ssi_signo;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == command)
			exited = WIFEXITED(status) ? WEXITSTATUS(status) :
						     128 + WTERMSIG(status);
	}
	return exited;
}

static int run(int listener, int signals)
{
	static struct pollfd fds[MAX_CONNECTIONS + 2];
	int i, nr, status, fd, timeout;

	for (;;) {
		nr = nr_connections;
		timeout = -1;
		for (i = 0; i < nr; i++) {
			fds[i].fd = connections[i]->fd;
			fds[i].events = connections[i]->waits ? 0 : POLLIN;
			if (connections[i]->waits)
				timeout = RETRY_MS;
		}
		fds[nr] = (struct pollfd){ .fd = listener, .events = POLLIN };
		fds[nr + 1] = (struct pollfd){ .fd = signals, .events = POLLIN };
		if (poll(fds, nr + 2, timeout) < 0 && errno != EINTR)
			fatal("poll");
		serve_all(fds, nr);
		fd = fds[nr].revents ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (fd >= 0)
			add_connection(fd);
		status = fds[nr + 1].revents ? reap(signals) : -1;
		if (status >= 0)
			return status;
	}
}

static int prepare_socket(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", folder);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 100))
		fatal(addr.sun_path);
	return fd;
}

static int be_machine(char **argv)
{
	sigset_t mask;
	int listener = prepare_socket(), status, signals;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1))
		fatal("signals");
	do_reset();
	command = fork();
	if (!command) {
		sigprocmask(SIG_UNBLOCK, &mask, NULL);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execvp(argv[0], argv);
		fatal(argv[0]);
	}
	status = run(listener, signals);
	end_processes(0);
	return status;
}

static int ask(const char *name, const char *cmdline)
{
	struct machine_request request = { .call = 0 };
	struct machine_answer answer;
	int fd;

	while (request.call < NR_CALLS && strcmp(call_names[request.call], name))
		request.call++;
	if (request.call == NR_CALLS) {
		errno = EINVAL;
		fatal(name);
	}
	snprintf(request.cmdline, sizeof(request.cmdline), "%s", cmdline);
	fd = machine_connect(folder);
	if (fd < 0 || machine_call(fd, &request, -1, &answer, NULL))
		fatal(name);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "see what lukeep-machine.c begins with\n");
		return 2;
	}
	folder = argv[1];
	if (!strcmp(argv[2], "run") && argc > 3)
		return be_machine(argv + 3);
	return ask(argv[2], argc > 3 ? argv[3] : "");
}
