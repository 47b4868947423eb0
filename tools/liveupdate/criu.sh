#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Debian 13's CRIU on a host of Debian 12, as /usr/local/sbin/criu: it has its libraries in
# /opt/trixie, and finds all else where the host has it. See
# Documentation/admin-guide/liveupdate-services.rst.
lib=/opt/trixie/usr/lib/$(uname -m)-linux-gnu
exec "$lib"/ld-linux-*.so.? --library-path "$lib" /opt/trixie/usr/sbin/criu "$@"
