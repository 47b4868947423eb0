// SPDX-License-Identifier: GPL-2.0
/*
 * TCP connections as NAT knows them: the kernel remembers of each which addresses and
 * ports its packets get. In the next kernel that is unknown, and what has begun a
 * connection cannot be told from a packet in the midst of it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conntrack.h"
#include "util.h"

#define ANSWER_SIZE	32768
#define REQUEST_SIZE	1024

/* As for one that was just used, by default */
#define TIMEOUT		(5 * 24 * 3600)

/* How often the table may change while it is dumped */
#define DUMP_TRIES	8

/**
 * struct dump - a dump of the kernel's table
 * @look:  is to see each connection
 * @user:  for @look
 * @again: the table has changed meanwhile, and some may be missing
 * @err:   -1 if the kernel has none
 */
struct dump {
	void (*look)(void *user, const struct connection *c);
	void *user;
	bool again;
	int err;
};

/**
 * struct request - a request to the kernel, which takes attributes
 * @header: its header
 * @net:    what is common to all of netfilter's
 * @room:   for its attributes
 */
struct request {
	struct nlmsghdr header;
	struct nfgenmsg net;
	char room[REQUEST_SIZE];
};

static void request_begin(struct request *r, int type, int flags, int family)
{
	*r = (struct request){
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(r->net)),
			.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.net.nfgen_family = family,
	};
}

/* Add an attribute. There is room for all that we have. */
static struct nlattr *add(struct request *r, int type, const void *data,
			  size_t size)
{
	struct nlattr *attr = (void *)r + NLMSG_ALIGN(r->header.nlmsg_len);

	*attr = (struct nlattr){
		.nla_type = type,
		.nla_len = NLA_HDRLEN + size,
	};
	memcpy((char *)attr + NLA_HDRLEN, data, size);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) +
			      NLA_ALIGN(attr->nla_len);
	return attr;
}

/* Begin one that has attributes itself, which are added up to its end. */
static struct nlattr *nest(struct request *r, int type)
{
	return add(r, type | NLA_F_NESTED, NULL, 0);
}

static void nest_end(struct request *r, struct nlattr *nest)
{
	nest->nla_len = (char *)r + r->header.nlmsg_len - (char *)nest;
}

static size_t address_size(const struct connection *c)
{
	return c->family == AF_INET ? sizeof(struct in_addr) :
				      sizeof(struct in6_addr);
}

static void add_tuple(struct request *r, int type, const struct connection *c,
		      const struct end *src, const struct end *dst)
{
	const bool v4 = c->family == AF_INET;
	struct nlattr *tuple = nest(r, type), *part;
	const __u8 protocol = IPPROTO_TCP;

	part = nest(r, CTA_TUPLE_IP);
	add(r, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, &src->address,
	    address_size(c));
	add(r, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, &dst->address,
	    address_size(c));
	nest_end(r, part);
	part = nest(r, CTA_TUPLE_PROTO);
	add(r, CTA_PROTO_NUM, &protocol, sizeof(protocol));
	add(r, CTA_PROTO_SRC_PORT, &src->port, sizeof(src->port));
	add(r, CTA_PROTO_DST_PORT, &dst->port, sizeof(dst->port));
	nest_end(r, part);
	nest_end(r, tuple);
}

static void add_nat(struct request *r, int type, const struct connection *c,
		    const struct end *end)
{
	struct nlattr *nat = nest(r, type), *part;

	add(r, c->family == AF_INET ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP,
	    &end->address, address_size(c));
	part = nest(r, CTA_NAT_PROTO);
	add(r, CTA_PROTONAT_PORT_MIN, &end->port, sizeof(end->port));
	nest_end(r, part);
	nest_end(r, nat);
}

/* How far its windows reach is not known any more, and is not to be checked. */
static void add_state(struct request *r, const struct connection *c)
{
	const struct nf_ct_tcp_flags flags = {
		.flags = IP_CT_TCP_FLAG_BE_LIBERAL,
		.mask = IP_CT_TCP_FLAG_BE_LIBERAL,
	};
	struct nlattr *info = nest(r, CTA_PROTOINFO), *tcp;
	const __u8 state = c->state;

	tcp = nest(r, CTA_PROTOINFO_TCP);
	add(r, CTA_PROTOINFO_TCP_STATE, &state, sizeof(state));
	add(r, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &flags, sizeof(flags));
	add(r, CTA_PROTOINFO_TCP_FLAGS_REPLY, &flags, sizeof(flags));
	nest_end(r, tcp);
	nest_end(r, info);
}

static int ask(const struct request *r)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd >= 0 && send(fd, r, r->header.nlmsg_len, 0) < 0)
		close_fd(&fd);
	return fd;
}

/* What the kernel says came of a request: 0, or -1 with errno. */
static int error_of(const struct nlmsgerr *answer)
{
	errno = -answer->error;
	return answer->error ? -1 : 0;
}

/*
 * Have the kernel know a connection, so that its packets get the addresses and ports that
 * they had. Returns 0 as well if it does; else -1 with errno.
 */
int conntrack_make(const struct connection *c)
{
	const __u32 status = htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	const __u32 timeout = htonl(TIMEOUT);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char more[REQUEST_SIZE];
	} answer;
	struct request r;
	int fd, err = -1;

	request_begin(&r, IPCTNL_MSG_CT_NEW,
		      NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, c->family);
	/* It is told as if nothing were changed, and then what is. */
	add_tuple(&r, CTA_TUPLE_ORIG, c, &c->from, &c->to);
	add_tuple(&r, CTA_TUPLE_REPLY, c, &c->to, &c->from);
	add_nat(&r, CTA_NAT_SRC, c, &c->returned);
	add_nat(&r, CTA_NAT_DST, c, &c->replier);
	add_state(&r, c);
	add(&r, CTA_STATUS, &status, sizeof(status));
	add(&r, CTA_TIMEOUT, &timeout, sizeof(timeout));
	fd = ask(&r);
	if (fd < 0)
		return -1;
	if (recv(fd, &answer, sizeof(answer), 0) > 0)
		err = error_of(&answer.error);
	close(fd);
	return err && errno != EEXIST ? -1 : 0;
}

/* The attribute of this type among @size bytes of them; NULL if there is none. */
static const struct rtattr *find(const void *data, int size, int type)
{
	const struct rtattr *attr = data;

	for (; RTA_OK(attr, size); attr = RTA_NEXT(attr, size)) {
		if ((attr->rta_type & NLA_TYPE_MASK) == type)
			return attr;
	}
	return NULL;
}

static const struct rtattr *find_in(const struct rtattr *nest, int type)
{
	return nest ? find(RTA_DATA(nest), RTA_PAYLOAD(nest), type) : NULL;
}

static bool take(void *value, size_t size, const struct rtattr *attr)
{
	if (!attr || RTA_PAYLOAD(attr) != size)
		return false;
	memcpy(value, RTA_DATA(attr), size);
	return true;
}

static bool take_tuple(const struct rtattr *tuple, const struct connection *c,
		       struct end *src, struct end *dst)
{
	const struct rtattr *ip = find_in(tuple, CTA_TUPLE_IP);
	const struct rtattr *ports = find_in(tuple, CTA_TUPLE_PROTO);
	const bool v4 = c->family == AF_INET;
	__u8 protocol;

	return take(&protocol, sizeof(protocol), find_in(ports, CTA_PROTO_NUM)) &&
	       protocol == IPPROTO_TCP &&
	       take(&src->address, address_size(c),
		    find_in(ip, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC)) &&
	       take(&dst->address, address_size(c),
		    find_in(ip, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST)) &&
	       take(&src->port, sizeof(src->port),
		    find_in(ports, CTA_PROTO_SRC_PORT)) &&
	       take(&dst->port, sizeof(dst->port),
		    find_in(ports, CTA_PROTO_DST_PORT));
}

/* Is that a TCP connection? */
static bool understand(const struct nlmsghdr *header, struct connection *c)
{
	const struct nfgenmsg *net = NLMSG_DATA(header);
	const void *data = (const char *)net + NLMSG_ALIGN(sizeof(*net));
	const int size = NLMSG_PAYLOAD(header, sizeof(*net));
	const struct rtattr *info = find(data, size, CTA_PROTOINFO);
	__u8 state;

	*c = (struct connection){ .family = net->nfgen_family };
	info = find_in(info, CTA_PROTOINFO_TCP);
	if (!take(&state, sizeof(state), find_in(info, CTA_PROTOINFO_TCP_STATE)) ||
	    !take_tuple(find(data, size, CTA_TUPLE_ORIG), c, &c->from, &c->to) ||
	    !take_tuple(find(data, size, CTA_TUPLE_REPLY), c, &c->replier,
			&c->returned))
		return false;
	c->state = state;
	return true;
}

/* Hand on what is in an answer of @n bytes. Returns whether there is more to come. */
static bool look_at(const struct nlmsghdr *header, ssize_t n, struct dump *dump)
{
	struct connection c;

	for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
		dump->again |= header->nlmsg_flags & NLM_F_DUMP_INTR;
		if (header->nlmsg_type == NLMSG_ERROR)
			dump->err = error_of(NLMSG_DATA(header));
		if (header->nlmsg_type == NLMSG_ERROR ||
		    header->nlmsg_type == NLMSG_DONE)
			return false;
		if (understand(header, &c))
			dump->look(dump->user, &c);
	}
	return true;
}

static int dump_once(struct dump *dump)
{
	static union {
		struct nlmsghdr first;
		char bytes[ANSWER_SIZE];
	} answer;
	struct request r;
	ssize_t n;
	int fd;

	dump->again = false;
	request_begin(&r, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	fd = ask(&r);
	if (fd < 0)
		return -1;
	do
		n = recv(fd, &answer, sizeof(answer), 0);
	while (n > 0 && look_at(&answer.first, n, dump));
	close(fd);
	return n > 0 ? dump->err : -1;
}

/*
 * Call @look for each connection that the kernel knows. When its table has changed
 * meanwhile, that begins again, so @look can see a connection twice. Returns -1 with
 * errno if that cannot be had.
 */
int conntrack_each(void (*look)(void *user, const struct connection *c),
		   void *user)
{
	struct dump dump = { .look = look, .user = user };
	int i, err = 0;

	for (i = 0; i < DUMP_TRIES; i++) {
		err = dump_once(&dump);
		if (err || !dump.again)
			return err;
	}
	errno = EAGAIN;
	return -1;
}
