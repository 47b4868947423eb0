// SPDX-License-Identifier: GPL-2.0
/*
 * What a service needs of the network in the initramfs, where nobody else sees to it:
 * the loopback interface, and the bridge that is declared.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "bridge.h"
#include "kexec_cmdline.h"
#include "message.h"
#include "util.h"
#include "words.h"

static int set_up(int fd, const char *name)
{
	struct ifreq ifr = { };

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		return -1;
	if (ifr.ifr_flags & IFF_UP)
		return 0;
	ifr.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &ifr);
}

/* A service that listens on 127.0.0.1 would exit else. The kernel gives it that address. */
void bridge_loopback(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* A kernel without IPv4 has none. */
	if (fd >= 0 && set_up(fd, "lo"))
		pr_warn("cannot set up the loopback interface: %s",
			strerror(errno));
	close_fd(&fd);
}

/* Of initramfs-tools: IP= there is as good as on the command line. */
static bool is_configured(void)
{
	FILE *f = fopen("/conf/initramfs.conf", "re");
	char line[256], c;
	bool is = false;

	while (!is && f && fgets(line, sizeof(line), f))
		is = sscanf(line, " IP=%c", &c) == 1 && c != '\n';
	if (f)
		fclose(f);
	return is;
}

/*
 * The initramfs gives such a card its address, to reach the root file system by it, or to be
 * told a passphrase by ssh. Of a card that is in a bridge the address is of no use.
 */
static bool initramfs_needs(int fd, const char *port)
{
	static const char * const words[][2] = {
		{ "ip", "" }, { "nfsroot", "" }, { "netroot", "" },
		{ "BOOTIF", "" }, { "rd.neednet", "1" },
		{ "root", "/dev/nfs" }, { "root", "nfs" }, { "root", "dhcp" },
		{ "root", "iscsi:" }, { "root", "nbd:" },
	};
	struct ifreq ifr = { };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (kexec_has(words[i][0], words[i][1]))
			return true;
	}
	if (!access("/sbin/dropbear", F_OK) || is_configured())
		return true;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", port);
	return !ioctl(fd, SIOCGIFADDR, &ifr);
}

/* A card that is not there yet is added by the host, or the next time. */
static int add_port(int fd, const char *bridge, const char *port)
{
	struct ifreq ifr = { .ifr_ifindex = if_nametoindex(port) };

	if (!ifr.ifr_ifindex)
		return 0;
	if (initramfs_needs(fd, port)) {
		pr_warn("%s is left to the host, which adds it to the bridge %s: the initramfs may need it, for the root file system or a passphrase",
			port, bridge);
		return 0;
	}
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", bridge);
	if ((ioctl(fd, SIOCBRADDIF, &ifr) && errno != EBUSY) || set_up(fd, port)) {
		pr_err("cannot add %s to the bridge %s: %s", port, bridge,
		       strerror(errno));
		return -1;
	}
	return 0;
}

/* A bridge, and the network cards that are in it: the first of the @words is its name. */
int bridge_set_up(const char *words)
{
	const char *error;
	char **names = words_split(words, false, &error), **port;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = -1;

	if (!names)
		goto out;
	if (fd < 0 || (ioctl(fd, SIOCBRADDBR, names[0]) && errno != EEXIST) ||
	    set_up(fd, names[0])) {
		pr_err("cannot make the bridge %s: %s: the kernel needs CONFIG_BRIDGE, or its module is not in the initramfs",
		       names[0], strerror(errno));
		goto out;
	}
	ret = 0;
	for (port = names + 1; *port; port++)
		ret |= add_port(fd, names[0], *port);
out:
	words_free(names);
	close_fd(&fd);
	return ret;
}
