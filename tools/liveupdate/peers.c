// SPDX-License-Identifier: GPL-2.0
/*
 * Unix sockets of a service that are connected with others outside of it, as with the
 * journal. CRIU does not dump these, and would say so no sooner than when the service
 * stands still. One that nobody has accepted yet it does dump, but cannot restore.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers.h"

#define ANSWER_SIZE	32768

/* Remember a socket of the service. */
void sockets_add(struct sockets *sockets, unsigned long inode)
{
	unsigned long *more = realloc(sockets->inode,
				      (sockets->nr + 1) * sizeof(*more));

	if (!more)
		return;		/* CRIU will know */
	sockets->inode = more;
	more[sockets->nr++] = inode;
}

void sockets_free(struct sockets *sockets)
{
	free(sockets->inode);
}

static bool has(const struct sockets *sockets, unsigned long inode)
{
	size_t i;

	for (i = 0; i < sockets->nr; i++) {
		if (sockets->inode[i] == inode)
			return true;
	}
	return false;
}

/*
 * Ask the kernel for all Unix sockets, with their names and their peers, and those that
 * listen with the sockets that wait to be accepted, which have no peer yet.
 */
static int ask(void)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req diag;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.diag = {
			.sdiag_family = AF_UNIX,
			.udiag_states = -1,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER |
				      UDIAG_SHOW_ICONS,
		},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd >= 0 && send(fd, &request, sizeof(request), 0) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What is looked for: a peer outside, or the name of the socket @peer when that is known. */
struct search {
	const struct sockets *sockets;
	unsigned long inode;
	unsigned long peer;
	char *name;
};

/* Are these two what is looked for, the one of the service, the other outside? */
static void compare(struct search *search, unsigned long inode,
		    unsigned long peer)
{
	if (search->peer || !peer || !has(search->sockets, inode) ||
	    has(search->sockets, peer))
		return;
	search->inode = inode;
	search->peer = peer;
}

static void look_at(struct search *search, const struct nlmsghdr *header)
{
	const struct unix_diag_msg *socket = NLMSG_DATA(header);
	const struct rtattr *attribute = (const void *)(socket + 1);
	int left = NLMSG_PAYLOAD(header, sizeof(*socket));
	const __u32 *inode;
	size_t waiting = 0;

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		inode = RTA_DATA(attribute);
		if (attribute->rta_type == UNIX_DIAG_PEER)
			compare(search, socket->udiag_ino, *inode);
		if (attribute->rta_type == UNIX_DIAG_ICONS)
			waiting = RTA_PAYLOAD(attribute) / sizeof(*inode);
		for (; waiting; waiting--)
			compare(search, *inode++, socket->udiag_ino);
		if (attribute->rta_type == UNIX_DIAG_NAME && search->name &&
		    socket->udiag_ino == search->peer)
			snprintf(search->name, PEER_NAME, "%.*s",
				 (int)RTA_PAYLOAD(attribute),
				 (const char *)RTA_DATA(attribute));
	}
}

static void look(struct search *search)
{
	static union {
		struct nlmsghdr first;
		char bytes[ANSWER_SIZE];
	} answer;
	const struct nlmsghdr *header;
	bool more = true;
	int fd = ask();
	ssize_t n;

	while (fd >= 0 && more) {
		n = recv(fd, &answer, sizeof(answer), 0);
		more = n > 0;
		for (header = &answer.first; more && NLMSG_OK(header, n);
		     header = NLMSG_NEXT(header, n)) {
			if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY)
				look_at(search, header);
			else
				more = false;	/* the end, or an error */
		}
	}
	if (fd >= 0)
		close(fd);
}

/*
 * Returns one of the sockets that has a peer which is none of them, 0 if there is none or
 * that cannot be known. @name is the peer's, "" if it has none.
 */
unsigned long sockets_find_outside(const struct sockets *sockets,
				   char name[PEER_NAME])
{
	struct search search = { .sockets = sockets };

	*name = '\0';
	look(&search);
	if (!search.peer)
		return 0;
	search.name = name;
	look(&search);
	return search.inode;
}
