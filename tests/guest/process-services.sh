# shellcheck shell=sh disable=SC2016
# nginx, of which somebody outside downloads a file, and PostgreSQL, of which somebody has begun a transaction, go on over an update.
# They save in their order, each when the one before has.
. /tests/process.sh
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/data

sql() {
	"$bin/psql" --host=/var/tmp --username=postgres --quiet --tuples-only --no-align --command="$1" postgres
}

# as_postgres COMMAND: a command that runs it as PostgreSQL's user
as_postgres() {
	echo "su -s /bin/sh postgres -c 'exec $*'"
}

make_nginx() {
	mkdir -p /var/www /var/lib/nginx
	python3 -c 'import hashlib, sys; sys.stdout.buffer.write(hashlib.shake_256(b"seed").digest(int(sys.argv[1]) << 20))' \
		"$(param mib)" >/var/www/file
	cat >/etc/nginx.conf <<-END
	daemon off;
	pid /var/lib/nginx/pid;
	error_log stderr;
	user www-data;
	worker_processes 2;
	events { }
	http {
		access_log off;
		server { listen 80; root /var/www; }
	}
	END
}

# Its memory that all processes share has a name in a namespace of System V's objects, and what it makes later is in files. CRIU does
# not dump a first process that is not root's: so that is a shell, which waits, and has PostgreSQL stop when it is to.
make_postgresql() {
	echo postgres:x:103:103::/var/tmp:/bin/sh >>/etc/passwd
	echo postgres:x:103: >>/etc/group
	chmod 1777 /tmp /var/tmp
	mkdir -m 700 $data
	chown 103:103 $data
	sh -c "$(as_postgres "$bin/initdb" --locale=C --auth=trust $data)" >/var/tmp/initdb.log 2>&1 || cat /var/tmp/initdb.log
	echo "host all all 0.0.0.0/0 trust" >>$data/pg_hba.conf
	cat >>$data/postgresql.conf <<-END
	listen_addresses = '*'
	unix_socket_directories = '/var/tmp'
	dynamic_shared_memory_type = mmap
	jit = off
	END
	printf '%s\n' "trap 'kill -INT \$!' TERM" "$(as_postgres "$bin/postgres" -D $data) &" wait wait >/usr/bin/database
}

declare_services() {
	cat >/etc/lukeep/nginx.conf <<-END
	[service]
	start = nginx -c /etc/nginx.conf
	order = 1
	[process]
	images = $images/nginx
	END
	cat >/etc/lukeep/postgresql.conf <<-END
	[service]
	start = unshare -i sh /usr/bin/database
	order = 2
	[process]
	images = $images/postgresql
	END
}

# The lines of the log in which the services say that they have done it
in_order() {
	sed -n "s/^lukeep: \([a-z]*\): $1: .*/\1/p" /var/tmp/agent.log | tr '\n' ' '
}

mkdir -p "$images" /run/lukeep
make_network
agent_log=/var/tmp/agent.log
case $stage in
1)	make_nginx
	make_postgresql
	declare_services
	echo 1 >/var/www/stage
	make_initrd
	start_agent
	until_true "nginx and PostgreSQL run" services_are running
	until_true "PostgreSQL answers" sql 'CREATE TABLE rows (number int)'
	until_true "a client is in the middle of a transaction" \
		eval '[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE state = '"'idle in transaction'"'")" = 1 ]'
	is "$(sql 'SELECT count(*) FROM rows')" 0 "nobody sees it"
	update B
	cat /run/update "$agent_log"
	grep -h Error "$images"/*/dump/dump.log | while read -r line; do note "$line"; done
	fail "lukeep update came back" ;;
2)	is "$(in_order dump)" "nginx postgresql " "they were dumped in their order"
	start_agent
	until_true "nginx and PostgreSQL go on" services_are running
	is "$(sql 'SELECT count(*) FROM rows')" 0 "nobody sees the transaction"
	echo 2 >/var/www/stage
	until_true "the clients have got what they should" eval '[ "$(sql "SELECT count(*) FROM rows")" = 3 ]'
	while read -r line; do note "$line"; done <"$agent_log"
	lukeep stop postgresql
	ok "PostgreSQL stops as it should" grep -q 'database system is shut down' "$agent_log"
	pass ;;
esac
