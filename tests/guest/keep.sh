# shellcheck shell=sh
# For the tests of lukeep: declarations, an agent, and what it says.

agent_log=/run/agent.log

# declare_service NAME SAVE-KEYS: a service that is service.sh
declare_service() {
	cat >"/etc/lukeep/$1.conf" <<-END
	[service]
	start = sh /tests/service.sh $1 start
	resume = sh /tests/service.sh $1 resume
	$2
	[memfd memory]
	kind = memory
	[memfd saved]
	kind = save
	END
}

# until_true DESCRIPTION COMMAND...: it will, sooner or later
until_true() {
	_until=$1
	shift
	for _ in $(seq 600); do
		if "$@" >/dev/null 2>&1; then
			ok "$_until" true
			return
		fi
		sleep 0.1
	done
	lukeep status
	cat "$agent_log"
	fail "$_until: never"
}

# has NAME KERNELS: it has run in these kernels, one letter each; a service looks at its memory once it runs
has() {
	[ "$(sed 's/.*-//' "/run/$1.has" | tr -d '\n')" = "$2" ] || { cat "/run/$1.has"; return 1; }
}

# serves NAME: a service that is service.sh handles its signals by then, which "running" does not say
serves() {
	[ -s "/run/$1.has" ]
}

start_agent() {
	lukeep run >>"$agent_log" 2>&1 &
	agent=$!
}

# The status as JSON. Who is kept from a processor is silent for a while, and asked again.
status() {
	for _ in 1 2 3 4 5; do
		_json=$(lukeep status --json)
		case $_json in
		*'"state": "silent"'*) ;;
		*)	break ;;
		esac
	done
	printf '%s\n' "$_json"
}

status_is() {
	status | jq -e "$1"
}

# service_is NAME CONDITION
service_is() {
	status_is ".services[] | select(.name == \"$1\") | $2"
}

# services_are STATE: all of them
services_are() {
	status_is "(.agent.state == \"idle\") and (.services | length > 0 and all(.state == \"$1\" and .session == null))"
}

# update A|B [PARAMETER...]: to the next stage; what is said about it is in /run/update
update() {
	_image=$1
	shift
	lukeep update --kernel "/boot/kernel-$_image" --initrd /tmp/initrd --reuse-cmdline \
		--append "stage=$((stage + 1)) $*" >/run/update 2>&1
}
