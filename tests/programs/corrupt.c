// SPDX-License-Identifier: GPL-2.0
/*
 * The only process of a guest that kexecs from one kernel into the next, each of
 * which gets something corrupted: scripts/corrupt starts it and judges.
 *
 * Each kernel says what came of the sessions of the kernel before, makes new
 * ones, asks for the corruptions in the next line of /plan, and jumps. What it
 * says goes to the kernel's log, so that it stands among the kernel's messages.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/sysinfo.h>

#include "../../tools/testing/selftests/liveupdate/luo_util.h"
#include "corrupt_device.h"
#include "corrupt_next.h"
#include "corrupt_pipe.h"
#include "corrupt_state.h"
#include "corrupt_tmpfs.h"

#define CORRUPT		"/sys/kernel/debug/kho/out/corrupt"
#define THP_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define POOL		"/proc/sys/vm/nr_hugepages"
#define POOL_SIZE	"4"
#define HUGE_PAGES	512
#define MANY_FILES	12
#define NR_SESSIONS	16
#define MAX_FILL	(32UL << 20)

/* The device, opened, what translates for it, and the file whose page it reaches. */
static struct {
	int fd;
	int iommufd;
	int memory;
} device = { -1, -1, -1 };

/*
 * What is in the sessions: one has no file, one has many, one has a huge folio, one
 * has a file of hugetlbfs beside small files, some have a mount of tmpfs, one has a
 * pipe, one has a device if there is one, the others have a few small files. All is
 * told by the numbers of kernel, session and file.
 */
static int nr_files(int session)
{
	return session == 0 ? 0 : session == 1 ? MANY_FILES : session == 2 ? 1 : 3;
}

static bool is_hugetlb(int session, int file)
{
	return session == 3 && file == 2;
}

static bool is_tmpfs(int session, int file)
{
	return session >= 4 && session <= 7 && file == 2;
}

static bool is_pipe(int session, int file)
{
	return session == 8 && file == 2;
}

static bool is_device(int session, int file)
{
	return has_device && session == DEVICE_SESSION && file == DEVICE_FILE;
}

static int nr_pages(int session, int file)
{
	if (is_hugetlb(session, file))
		return 2 * HUGE_PAGES;
	return session == 1 ? 1 : session == 2 ? HUGE_PAGES : 1 + file;
}

/* One page in so many has contents, the others are zero. */
static int stride(int session, int file)
{
	return session == 2 || is_hugetlb(session, file) ? 73 : 1;
}

static __u64 seed_of(int stage, int session, int file)
{
	return (stage & 0xff) << 16 | session << 8 | file;
}

static off_t position_of(int session, int file)
{
	return 8 * (100 * session + file + 1);
}

static int seals_of(int session, int file)
{
	return session & 1 && file == 1 ? F_SEAL_GROW | F_SEAL_SHRINK : 0;
}

/* No byte of one makes it another's. */
static __u64 token_of(int session, int file)
{
	return (session * MANY_FILES + file + 1) * 0x9e3779b97f4a7c15ULL;
}

static const char *name_of(int session)
{
	static char name[32];

	snprintf(name, sizeof(name), "session-%02d-%02d", session, session);
	return name;
}

/* A page of contents: files of hugetlbfs cannot be written to but by a mapping. */
static void write_page(int fd, char *map, int page, __u64 seed)
{
	const off_t offset = page * PAGE;
	__u64 *words = (__u64 *)(map + offset);
	unsigned int i;

	if (!map)
		must(luo_fill(fd, offset, PAGE, seed), "write");
	for (i = 0; map && i < PAGE / sizeof(*words); i++)
		words[i] = luo_word(seed, offset / sizeof(*words) + i);
}

static void make_file(int fd, int session, int file)
{
	const __u64 seed = seed_of(state.stage, session, file);
	const size_t size = nr_pages(session, file) * PAGE;
	char *map = NULL;
	int page;

	must(ftruncate(fd, size), "ftruncate");
	if (is_hugetlb(session, file)) {
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		must(map == MAP_FAILED ? -1 : 0, "huge pages");
	}
	for (page = 0; page < nr_pages(session, file); page += stride(session, file))
		write_page(fd, map, page, seed);
	if (map)
		munmap(map, size);
	must(fcntl(fd, F_ADD_SEALS, seals_of(session, file)), "seal");
	lseek(fd, position_of(session, file), SEEK_SET);
}

static int make_memfd(int session, int file)
{
	int fd = must(memfd_create("corrupt", MFD_ALLOW_SEALING |
					    (is_hugetlb(session, file) ? MFD_HUGETLB : 0)),
		      "memfd_create");

	if (session == 2)
		write_text(THP_ENABLED, "always");
	make_file(fd, session, file);
	if (session == 2)
		write_text(THP_ENABLED, "never");
	return fd;
}

static int make_device(void)
{
	const char *wrong = device_make(device.fd, device.iommufd, device.memory);

	if (wrong) {
		say("broken=device: %s", wrong);
		finish("FAIL the device does not work");
	}
	return dup(device.fd);
}

static int make_any(int session, int file)
{
	const __u64 seed = seed_of(state.stage, session, file);
	int fd;

	if (is_tmpfs(session, file))
		return must(tmpfs_make(seed), "tmpfs");
	if (is_pipe(session, file))
		return must(pipe_make(seed), "pipe");
	if (is_device(session, file))
		return make_device();
	fd = make_memfd(session, file);
	if (session == DEVICE_SESSION && file == DEVICE_MEMORY)
		device.memory = dup(fd);
	return fd;
}

static void prepare(int dev)
{
	int session, file, fd, sfd;

	write_text(POOL, POOL_SIZE);
	for (session = 0; session < NR_SESSIONS; session++) {
		sfd = must(luo_create(dev, name_of(session)), "create");
		for (file = 0; file < nr_files(session); file++) {
			fd = make_any(session, file);
			must(luo_preserve_fd(sfd, fd, token_of(session, file)), "preserve");
			close(fd);
		}
	}
}

/*
 * When the next kernel does not find out that something is not preserved any more, a
 * device would write to memory that is others'.
 */
static void start_device(const char *line)
{
	if (!has_device || !strncmp(line, "tree-", 5))
		return;
	must(device_forget(device.memory) ? 0 : -1, "memory of the device");
	device_transfer(device.fd, true);
}

/* The errno with which a page cannot be read, or 0. */
static int read_error(int fd, int session, int file)
{
	int page;
	char c;

	for (page = 0; page < nr_pages(session, file); page++)
		if (pread(fd, &c, 1, page * PAGE) < 0)
			return errno;
	return 0;
}

static bool contents_ok(int fd, int session, int file)
{
	const __u64 seed = seed_of(state.stage - 1, session, file);
	int page;

	for (page = 0; page < nr_pages(session, file); page++)
		if (page % stride(session, file) ? !luo_zero(fd, page * PAGE, PAGE) :
					     !luo_filled(fd, page * PAGE, PAGE, seed))
			return false;
	return true;
}

struct received {
	int fd;				/* or the negative errno */
	int files[MANY_FILES];		/* likewise */
};

static void retrieve(int dev, int session, struct received *r)
{
	int i, file;

	r->fd = luo_retrieve(dev, name_of(session));
	for (i = 0; i < nr_files(session); i++) {
		file = state.stage & 1 ? i : nr_files(session) - 1 - i;
		r->files[file] = r->fd < 0 ? -ENOENT :
				 luo_retrieve_fd(r->fd, token_of(session, file));
	}
}

/* One word on what has become of a file. */
static const char *verdict(int fd, int session, int file)
{
	static char error[16];
	int err;

	if (fd >= 0 && is_tmpfs(session, file))
		return tmpfs_verdict(fd, seed_of(state.stage - 1, session, file));
	if (fd >= 0 && is_pipe(session, file))
		return pipe_verdict(fd, seed_of(state.stage - 1, session, file));
	err = fd < 0 ? -fd : read_error(fd, session, file);
	if (err) {
		snprintf(error, sizeof(error), "E%d", err);
		return error;
	}
	if (luo_size(fd) != nr_pages(session, file) * (off_t)PAGE)
		return "size";
	if (lseek(fd, 0, SEEK_CUR) != position_of(session, file))
		return "position";
	if (fcntl(fd, F_GET_SEALS) != seals_of(session, file))
		return "seals";
	return contents_ok(fd, session, file) ? "ok" : "contents";
}

/* Of the session that has one. */
static const char *device_word(const struct received *r)
{
	int memory = r->files[DEVICE_MEMORY];

	if (memory < 0 || read_error(memory, DEVICE_SESSION, DEVICE_MEMORY))
		memory = -1;
	return device_verdict(r->files[DEVICE_FILE], memory,
			      seed_of(state.stage - 1, DEVICE_SESSION, DEVICE_MEMORY));
}

/* What is wrong with each file of a session goes to @files. */
static bool check_files(int session, const struct received *r, char *files, size_t size)
{
	const char *word, *of_device = NULL;
	bool intact = true;
	int file;

	/* It writes to one of the files. */
	if (is_device(session, DEVICE_FILE))
		of_device = device_word(r);
	for (file = 0; file < nr_files(session); file++) {
		word = is_device(session, file) ? of_device :
						  verdict(r->files[file], session, file);
		intact = intact && !strcmp(word, "ok");
		snprintf(files + strlen(files), size - strlen(files), "%s%s",
			 file ? "," : "", word);
	}
	return intact;
}

/* Says what is wrong with a session; nothing when it is intact. */
static bool check(int session, const struct received *r)
{
	bool intact = r->fd >= 0;
	char files[256] = "";
	int file, err = 0;

	if (r->fd >= 0) {
		intact = check_files(session, r, files, sizeof(files));
		err = luo_finish(r->fd);
		close(r->fd);
	}
	for (file = 0; file < nr_files(session); file++)
		if (r->files[file] >= 0)
			close(r->files[file]);
	intact = intact && !err;
	if (!intact)
		say("session=%s retrieve=%d files=%s finish=%d", name_of(session),
		    r->fd < 0 ? r->fd : 0, files, err);
	return intact;
}

static size_t half_of_memory(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info.freeram / 2 & ~(PAGE - 1);
}

/* Has much of the free memory zeroed: nothing that came in may be part of it. */
static void fill_memory(void)
{
	size_t size = half_of_memory() < MAX_FILL ? half_of_memory() : MAX_FILL;
	char *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	must(p == MAP_FAILED ? -1 : 0, "mmap");
	munmap(p, size);
}

static void verify(int dev)
{
	static struct received received[NR_SESSIONS];
	int i, session, intact = 0;

	for (i = 0; dev >= 0 && i < NR_SESSIONS; i++) {
		session = state.stage & 1 ? i : NR_SESSIONS - 1 - i;
		retrieve(dev, session, &received[session]);
	}
	fill_memory();
	/* While a device is not finished no session is with a file that nobody knows. */
	for (i = 0; dev >= 0 && i < NR_SESSIONS; i++) {
		session = (DEVICE_SESSION + i) % NR_SESSIONS;
		intact += check(session, &received[session]);
	}
	if (has_device && !device_is_harmless(half_of_memory()))
		say("harmed");
	say("boot=%s device=%d sessions=%d intact=%d",
	    access("/sys/kernel/debug/kho/in", F_OK) ? "cold" : "handover",
	    dev < 0 ? dev : 0, NR_SESSIONS, intact);
}

/* The line of the plan, or NULL at its end; not to be freed. */
static char *plan_line(int nr)
{
	char *next = read_text(PLAN), *line;

	while ((line = strsep(&next, "\n")) && *line)
		if (!nr--)
			return line;
	return NULL;
}

static void set_up(void)
{
	char *params;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	kmsg = open("/dev/kmsg", O_WRONLY);
	must(mount("proc", "/proc", "proc", 0, NULL), "/proc");
	must(mount("sys", "/sys", "sysfs", 0, NULL), "/sys");
	must(mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL), "debugfs");
	must(device_find() ? 0 : -1, "device");
	params = strstr(read_text("/proc/cmdline"), " " PARAM);
	if (params)
		must(sscanf(params, " " PARAM "%d,%d,%d", &state.stage, &state.line,
			    &state.prepared) == 3 ? 0 : -1, PARAM);
}

/* Asks for the corruptions in a line, with all that they need. */
static void hand_over(int dev, char *line)
{
	char *p;

	prepare(dev);
	start_device(line);
	for (p = line; (p = strchr(p, ';')); )
		*p = '\n';
	write_text(CORRUPT, line);
}

int main(void)
{
	bool usable;
	char *line;
	int dev;

	set_up();
	dev = luo_open();
	if (state.prepared)
		verify(dev);
	else
		must(dev, "/dev/liveupdate");

	line = plan_line(state.line);
	if (!line) {
		say("end");
		finish("PASS");
	}
	if (has_device)
		device.fd = device_open(&device.iommufd);
	/* Nothing can be handed over until the next kernel. */
	usable = dev >= 0 && (!has_device || device.fd >= 0);
	if (!usable && !state.prepared)
		must(device.fd, "device");
	load_kernel(usable, state.line + usable);
	if (usable)
		hand_over(dev, line);
	say("plan=%d", usable ? state.line : -1);
	must(reboot(RB_KEXEC), "kexec");
	return 1;
}
