/* SPDX-License-Identifier: GPL-2.0 */
/* TCP connections as NAT knows them. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CONNTRACK_H
#define _LUKEEP_CONNTRACK_H

#include <netinet/in.h>

/**
 * struct end - one end of a connection
 * @address: an address of the family of the connection
 * @port:    in network byte order, as in packets
 */
struct end {
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address;
	in_port_t port;
};

/**
 * struct connection - a TCP connection
 * @family:   AF_INET or AF_INET6
 * @state:    what TCP is doing, as the kernel counts it
 * @from:     who has begun it
 * @to:       where that took it to be
 * @replier:  who answers in fact
 * @returned: to whom that sends what it answers
 */
struct connection {
	int family;
	int state;
	struct end from;
	struct end to;
	struct end replier;
	struct end returned;
};

int conntrack_each(void (*look)(void *user, const struct connection *c),
		   void *user);
int conntrack_make(const struct connection *c);

#endif /* _LUKEEP_CONNTRACK_H */
