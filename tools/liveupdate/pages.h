/* SPDX-License-Identifier: GPL-2.0 */
/* Pipes with a service's memory. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PAGES_H
#define _LUKEEP_PAGES_H

/* As many file descriptors as fit into one message; of 256 MiB most often. */
#define PAGES_MAX	250

/**
 * struct pages - pipes that have the memory of a service that was dumped
 * @fd:     their read ends, in the order of the dump. Each command of the service
 *	    gets them; the one that dumps gets a socket instead, over which it sends them
 * @nr:     how many
 * @socket: our end of that socket, -1 if there is none
 */
struct pages {
	int fd[PAGES_MAX];
	int nr;
	int socket;
};

static inline void pages_init(struct pages *p)
{
	p->nr = 0;
	p->socket = -1;
}

void pages_drop(struct pages *p);
int pages_expect(struct pages *p);
void pages_expected(struct pages *p);
int pages_receive(struct pages *p);
int pages_send(int socket, const struct pages *p);

#endif /* _LUKEEP_PAGES_H */
