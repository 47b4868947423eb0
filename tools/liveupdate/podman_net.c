// SPDX-License-Identifier: GPL-2.0
/*
 * A container with a network of podman's, in which it has addresses of its own, behind a
 * bridge of this host. Its peers outside see those of the host, by NAT.
 *
 * From the dump to the restore nobody answers its peers: neither this host, which does
 * not know the container's connections, nor the container's kernel before CRIU has
 * restored them, nor the host by addresses that NAT has changed in another way than
 * before. So packets to it are dropped where they come in, before NAT, and the kernel
 * gets to know its connections before podman makes the network anew. What other containers
 * send to it over the bridge comes in nowhere else, and is dropped there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "podman_net.h"
#include "conntrack.h"
#include "message.h"
#include "netlock.h"
#include "util.h"

#define ADDRESS		INET6_ADDRSTRLEN

/* Packets that come in, and those of this host itself, before NAT sees them */
#define CHAINS \
	"	chain waiting {\n" \
	"	}\n" \
	"	chain arriving {\n" \
	"		type filter hook prerouting priority raw; policy accept;\n" \
	"		jump waiting\n" \
	"	}\n" \
	"	chain local {\n" \
	"		type filter hook output priority raw; policy accept;\n" \
	"		jump waiting\n" \
	"	}\n"

/* Packets that a bridge passes on from one of its ports to another */
#define BRIDGE_CHAIN \
	"	chain forwarding {\n" \
	"		type filter hook forward priority filter; policy accept;\n"

/**
 * struct list - connections of a container
 * @c:     the container
 * @lines: what there is to be known of them, a line each
 * @peers: packets by which they go on, as elements of a set of nft's: v4, v6
 */
struct list {
	const struct container *c;
	FILE *lines;
	FILE *peers[2];
};

static const char *ip(const char *address)
{
	return strchr(address, ':') ? "ip6" : "ip";
}

/* The next of words between blanks; NULL at the end. */
static const char *next_word(char **rest)
{
	const char *word;

	while ((word = strsep(rest, " ")) && !*word)
		;
	return word;
}

/* Nothing comes to its addresses. */
static void write_addresses(FILE *rules, const struct container *c)
{
	char *addresses = strdup(c->addresses), *rest = addresses;
	const char *word;

	while (addresses && (word = next_word(&rest)))
		fprintf(rules, "		%s daddr %s drop\n", ip(word), word);
	free(addresses);
}

/* Nothing comes by a port that is published for it, at one address of this host or at all. */
static void write_port(FILE *rules, const char *published)
{
	unsigned int port;
	int len = 0;

	if (sscanf(published, "%*u/tcp:%u:%n", &port, &len) != 1 || !len)
		return;
	published += len;
	if (!published[strspn(published, "0.:")])
		fprintf(rules, "		fib daddr type local");
	else
		fprintf(rules, "		%s daddr %s", ip(published), published);
	fprintf(rules, " tcp dport %u drop\n", port);
}

/* Nothing comes to its addresses, and by ports of this host that are published for it. */
static void write_rules(FILE *rules, const struct container *c)
{
	char *ports = strdup(c->ports), *rest = ports;
	const char *word;

	fprintf(rules, CHAINS "	chain waiting {\n");
	write_addresses(rules, c);
	while (ports && (word = next_word(&rest)))
		write_port(rules, word);
	fprintf(rules, "	}\n");
	free(ports);
}

/* Nor do other containers behind the bridge reach its addresses. */
static void write_bridge_rules(FILE *rules, const struct container *c)
{
	fprintf(rules, BRIDGE_CHAIN);
	write_addresses(rules, c);
	fprintf(rules, "	}\n");
}

/* What one of the above writes; NULL without memory. */
static char *rules_of(const struct container *c,
		      void (*write)(FILE *rules, const struct container *c))
{
	char *rules = NULL;
	size_t size;
	FILE *text = open_memstream(&rules, &size);

	if (!text)
		return NULL;
	write(text, c);
	fclose(text);
	return rules;
}

/*
 * The container is about to be dumped: its peers wait, if it has such a network. Returns
 * -1 if that cannot be had, which is said.
 */
int podman_net_begin(const struct folder *f, const struct container *c)
{
	char *rules, *bridge;
	int err;

	if (!*c->addresses)
		return 0;
	rules = rules_of(c, write_rules);
	bridge = rules_of(c, write_bridge_rules);
	err = rules && bridge ? netlock_add(f->name, rules) : -1;
	if (!err && netlock_add_bridge(f->name, bridge))
		pr_warn(NETLOCK_NO_BRIDGE);
	free(rules);
	free(bridge);
	return err;
}

static bool has_address(const struct container *c, const char *address)
{
	char *addresses = strdup(c->addresses), *rest = addresses;
	const char *word = NULL;

	while (addresses && (word = next_word(&rest)) && strcmp(word, address))
		;
	free(addresses);
	return word;
}

static void list_connection(void *user, const struct connection *connection)
{
	const struct end *ends[] = {
		&connection->from, &connection->to,
		&connection->replier, &connection->returned,
	};
	char address[ARRAY_SIZE(ends)][ADDRESS];
	const struct list *list = user;
	FILE *peers = list->peers[connection->family == AF_INET6];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		inet_ntop(connection->family, &ends[i]->address, address[i],
			  ADDRESS);
	/* What the peer sends: it has begun the connection, or it replies. */
	if (has_address(list->c, address[2]))
		i = 0;
	else if (has_address(list->c, address[0]))
		i = 2;
	else
		return;
	fprintf(peers, "%s%s . %u . %s . %u", ftell(peers) ? ", " : "",
		address[i], ntohs(ends[i]->port), address[i + 1],
		ntohs(ends[i + 1]->port));
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		fprintf(list->lines, "%s %u ", address[i], ntohs(ends[i]->port));
	fprintf(list->lines, "%d\n", connection->state);
}

static int save(const struct folder *f, const char *lines, const char *v4,
		const char *v6)
{
	const char *const peers[] = { v4, v6 };
	const char *const names[] = { "ip", "ip6" };
	char *rules;
	int err = images_write(f->dir, IMAGES_CONNECTIONS, lines);
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(peers); i++) {
		if (!*peers[i])
			continue;
		if (asprintf(&rules,
			     "	chain waiting {\n"
			     "		%s saddr . tcp sport . %s daddr . tcp dport { %s } drop\n"
			     "	}\n", names[i], names[i], peers[i]) < 0)
			return -1;
		err = netlock_add(f->name, rules);
		free(rules);
	}
	return err;
}

/*
 * The container has been dumped: have the next kernel know its connections, and who
 * waits. Returns -1 if that cannot be, which is said.
 */
int podman_net_save(const struct folder *f, const struct container *c)
{
	char *lines = NULL, *v4 = NULL, *v6 = NULL;
	struct list list = { .c = c };
	size_t size;
	int err = -1;

	if (!*c->addresses)
		return 0;
	list.lines = open_memstream(&lines, &size);
	list.peers[0] = open_memstream(&v4, &size);
	list.peers[1] = open_memstream(&v6, &size);
	if (list.lines && list.peers[0] && list.peers[1]) {
		err = conntrack_each(list_connection, &list);
		if (err)
			pr_err("cannot ask the kernel for the connections of the container: %s: has it CONFIG_NF_CT_NETLINK?",
			       strerror(errno));
	}
	if (list.lines)
		fclose(list.lines);
	if (list.peers[0])
		fclose(list.peers[0]);
	if (list.peers[1])
		fclose(list.peers[1]);
	if (!err)
		err = save(f, lines, v4, v6);
	free(lines);
	free(v4);
	free(v6);
	return err;
}

static bool read_end(int family, struct end *end, const char *address,
		     unsigned int port)
{
	end->port = htons(port);
	return inet_pton(family, address, &end->address) == 1;
}

static int make_connection(const char *line)
{
	struct connection c = { .family = strchr(line, ':') ? AF_INET6 : AF_INET };
	struct end *ends[] = { &c.from, &c.to, &c.replier, &c.returned };
	char address[ARRAY_SIZE(ends)][ADDRESS];
	unsigned int port[ARRAY_SIZE(ends)];
	size_t i;

	if (sscanf(line, "%45s %u %45s %u %45s %u %45s %u %d", address[0],
		   &port[0], address[1], &port[1], address[2], &port[2],
		   address[3], &port[3], &c.state) != 9)
		return 0;
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!read_end(c.family, ends[i], address[i], port[i]))
			return 0;
	}
	return conntrack_make(&c);
}

/* The container is about to be restored: its packets get the addresses that they had. */
void podman_net_load(const struct folder *f)
{
	int fd = openat(f->dir, IMAGES_CONNECTIONS, O_RDONLY | O_CLOEXEC);
	FILE *lines = fd < 0 ? NULL : fdopen(fd, "r");
	char line[512];
	int err = 0;

	while (lines && fgets(line, sizeof(line), lines)) {
		if (!make_connection(line) || err)
			continue;
		err = errno;
		pr_warn("its connections may be reset: cannot have the kernel know them: %s: has it CONFIG_NF_CT_NETLINK, and CONFIG_NF_NAT?",
			strerror(err));
	}
	if (lines)
		fclose(lines);
}
