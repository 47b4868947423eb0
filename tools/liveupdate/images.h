/* SPDX-License-Identifier: GPL-2.0 */
/* The folder of a service's images. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_IMAGES_H
#define _LUKEEP_IMAGES_H

#include <stdbool.h>
#include <sys/types.h>

/* What is in there besides the folders of pre-dumps, which are called 1, 2 and so on. */
#define IMAGES_SERVICE	"service"	/* the process, and its output, as it runs */
#define IMAGES_OUTPUT	"output"	/* the output, as it was when it was dumped */
#define IMAGES_DUMPING	"dumping"	/* it is being dumped, and ends if that succeeds */
#define IMAGES_SAVED	"saved"		/* it has been dumped, and can be restored */
#define IMAGES_RESTORING "restoring"	/* it is being restored, with this output */
#define IMAGES_DUMP	"dump"		/* with this */
#define IMAGES_LAST	IMAGES_DUMP "/inventory.img"	/* CRIU writes that at last */
#define IMAGES_PIPES	IMAGES_DUMP "/pipes"	/* its memory is in these pipes */
#define IMAGES_CONNECTIONS "connections" /* what NAT knew of a container */
#define IMAGES_PREDUMPED "pre-dumped"	/* a container's memory, while it runs */
#define IMAGES_LAZY	"lazy"		/* its memory is still being brought in */
#define IMAGES_FAILED	"failed"	/* what could not be restored, and was given up */
#define IMAGES_ERROR	"error"		/* why the last command failed */

/**
 * struct folder - the folder of a service's images
 * @name: name of the service
 * @path: where it is
 * @dir:  the same, open
 */
struct folder {
	const char *name;
	const char *path;
	int dir;
};

int images_begin(struct folder *f, const char *name, const char *path);
bool images_has(int dir, const char *name);
int images_write(int dir, const char *name, const char *text);
int images_read(int dir, const char *name, char *text, size_t size);
int images_remove(int dir, const char *name);
int images_clear(int dir);
long long images_pages(int dir, const char *name);

int images_announce(const struct folder *f, pid_t pid, int output);
int images_find(const struct folder *f, pid_t *pid, unsigned long *output);
int images_wait(const struct folder *f);
int images_end(const struct folder *f, int status);
int images_fail(const struct folder *f);

#endif /* _LUKEEP_IMAGES_H */
