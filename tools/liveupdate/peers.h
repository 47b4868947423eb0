/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets with peers outside. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PEERS_H
#define _LUKEEP_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#define PEER_NAME	128

/**
 * struct sockets - sockets of a service
 * @inode: their inodes
 * @nr:    how many there are
 */
struct sockets {
	unsigned long *inode;
	size_t nr;
};

void sockets_add(struct sockets *sockets, unsigned long inode);
void sockets_free(struct sockets *sockets);
unsigned long sockets_find_outside(const struct sockets *sockets,
				   char name[PEER_NAME]);

#endif /* _LUKEEP_PEERS_H */
