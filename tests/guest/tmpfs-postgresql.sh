# shellcheck shell=sh
# PostgreSQL, without systemd, as a user of its own. In each kernel it takes rows, and is told to shut down by the update.

. /tests/keep.sh

rows=50000
bin=$(echo /usr/lib/postgresql/*/bin)
as="/bin/as --reuid 103 --regid 103 --clear-groups"

sql() {
	$as "$bin/psql" --host=/tmp --quiet --tuples-only --no-align --command="$1" postgres
}

# insert KERNELS: rows of this kernel
insert() {
	sql "INSERT INTO rows (kernel, text) SELECT '$stage', md5(i::text) FROM generate_series(1, $rows) AS i"
	is "$(sql 'SELECT count(*) FROM rows')" $(($1 * rows)) "it has all rows"
	is "$(sql "SELECT count(*) FROM rows WHERE text = md5(((id - 1) % $rows + 1)::text)")" $(($1 * rows)) "with what is in them"
}

go_on() {
	make_initrd
	update "$1"
	cat /run/update "$agent_log"
	fail "lukeep update to kernel $1 came back"
}

rm /etc/lukeep/memcached.conf
echo postgres:x:103:103::/:/bin/false >>/etc/passwd
mkdir -p /srv/postgresql /etc/lukeep
chmod 700 /srv/postgresql
chown 103:103 /srv/postgresql
chmod 1777 /tmp /dev/shm
cat >/usr/bin/database <<-END
	#!/bin/sh
	[ -e /srv/postgresql/data ] || $as $bin/initdb --locale=C --auth=trust /srv/postgresql/data >/run/initdb.log 2>&1 || exit
	exec $as $bin/postgres -D /srv/postgresql/data -k /tmp -c listen_addresses= -c jit=off
END
chmod +x /usr/bin/database
cat >/etc/lukeep/postgresql.conf <<-END
	[service]
	start = database
	# Its fast shutdown.
	save-signal = INT
	ready-command = $as $bin/pg_isready --host=/tmp

	[tmpfs]
	path = /srv/postgresql
	size = 300M
END
start_agent
until_true "PostgreSQL runs" services_are running
lukeep status
case $stage in
1)	sql 'CREATE TABLE rows (id serial PRIMARY KEY, kernel text, text text)'
	insert 1
	go_on B ;;
2)	ok "it has resumed" service_is postgresql .resumed
	ok "its last shutdown was an orderly one" grep -q 'database system was shut down at' "$agent_log"
	insert 2
	go_on A ;;
3)	insert 3
	cat "$agent_log"
	note "the database takes $(df -m /srv/postgresql | awk 'END { print $3 }') MiB; pause: $(lukeep status --json | jq '.services[0].pause')"
	pass ;;
esac
