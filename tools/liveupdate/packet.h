/* SPDX-License-Identifier: GPL-2.0 */
/* Packets between client, agent and keepers. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PACKET_H
#define _LUKEEP_PACKET_H

#include <sys/types.h>

#include <jansson.h>

/* In the folder of the sockets. */
#define AGENT_SOCKET	"agent.sock"
#define KEEPER_SUFFIX	".keeper"
#define WAITING_SUFFIX	".waiting"	/* for what came in */
#define HELD_SUFFIX	".held"		/* and is lost with its keeper */
#define MOUNTED_SUFFIX	".tmpfs"	/* leads to the service's tmpfs */

int packet_folder(const char *dir);
int packet_listen(const char *dir, const char *name);
int packet_listen_keeper(const char *dir, const char *service);
void packet_unlisten(const char *dir, const char *service);
int packet_connect(const char *dir, const char *name);
int packet_connect_keeper(const char *dir, const char *service);
int packet_accept(int listener);
int packet_peer(int fd);
ssize_t packet_send_text(int fd, const char *text, int passed, int flags);
int packet_send(int fd, json_t *packet);
int packet_send_fd(int fd, json_t *packet, int passed);
json_t *packet_receive(int fd);
json_t *packet_wait(int fd, int timeout);
json_t *packet_receive_fd(int fd, int *passed);

#endif /* _LUKEEP_PACKET_H */
