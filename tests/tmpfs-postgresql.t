#!/bin/bash
# PostgreSQL with its whole data directory on a tmpfs, over two updates.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/vm/guest-tools")
postgresql=$("$root/scripts/vm/service-root" postgresql postgresql -- /usr/lib/postgresql /usr/share/postgresql) || exit
rm -rf "$postgresql"/usr/lib/postgresql/*/lib/bitcode
options=()
for tool in "${tools[@]}" "/bin/jq=$(command -v jq)" "/bin/as=$(command -v setpriv)" "/=$postgresql"; do
	options+=(--with "$tool")
done
vm tmpfs-postgresql "${options[@]}" --mem 2G --timeout 3600
done_testing
