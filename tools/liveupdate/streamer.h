/* SPDX-License-Identifier: GPL-2.0 */
/* Images that CRIU streams. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_STREAMER_H
#define _LUKEEP_STREAMER_H

#include <poll.h>
#include <stdbool.h>

#include "pages.h"

/* Room for the name of an image. */
#define STREAMER_NAME	128

/* Images whose names begin so are pages of memory. */
#define STREAMER_PAGES	"pages-"

/* Which pipes have which image, with how many bytes each; IMAGES_PIPES is this */
#define STREAMER_INDEX	"pipes"

/* What is asked of a pipe in one go: all that is there, or fits */
#define STREAMER_CHUNK	0x40000000

/**
 * struct streamer - the other end of CRIU's streams
 * @folder:   the folder of the images, open
 * @listener: where CRIU connects to, -1 if not there
 * @conn:     the connection with it, -1 if there is none
 * @socket:   name of the socket in the folder
 * @failed:   something went wrong here, and was said
 */
struct streamer {
	int folder;
	int listener;
	int conn;
	const char *socket;
	bool failed;
};

int streamer_open(struct streamer *s, int dir, const char *name,
		  const char *socket);
void streamer_close(struct streamer *s);
void streamer_poll(const struct streamer *s, struct pollfd pfd[2]);
bool streamer_take_request(struct streamer *s, const struct pollfd pfd[2],
			   char name[STREAMER_NAME]);
int streamer_answer(struct streamer *s, bool exists);
int streamer_receive(struct streamer *s);
void streamer_fail(struct streamer *s, const char *what, const char *name);
bool streamer_is_full(int fd);

#endif /* _LUKEEP_STREAMER_H */
