#!/bin/bash
# Declarations of lukeep: what they mean, what is wrong with them and said to be, and that no file makes lukeep fail.
# flavours: none
# shellcheck disable=SC2016 # variables for lukeep
. "$(dirname "$0")/lib.bash"

box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
agent=$root/tools/liveupdate
mkdir "$box/bin"
printf '#!/bin/sh\n' >"$box/bin/a"
chmod +x "$box/bin/a"
PATH=$box/bin:$PATH
# A mistake that a sanitizer finds is not taken for one in a declaration.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=print_stacktrace=1
flags='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'

# lukeep, and what reads declarations as lukeep does, with sanitizers
build_programs() {
	make -s -C "$agent" OUTPUT="$box/" CFLAGS="$flags" LDFLAGS="$flags" "$box/lukeep" || return
	# shellcheck disable=SC2046,SC2086 # words
	gcc $flags -Wall -Wextra -D_GNU_SOURCE -I"$agent" -I"$box/include" -o "$box/declaration" "$root/tests/programs/declaration.c" \
		"$agent"/{declaration,declaration_json,keys,processes,values,words}.c $(pkg-config --cflags --libs libsystemd jansson)
}

# write NAME TEXT: a declaration, in which \n and the like are understood
write() {
	printf '%b' "$2" >"$box/$1.conf"
}

# check [ARGUMENT]...: as lukeep does it; what it says is in $said, its status in $status
check() {
	said=$("$box/lukeep" check "$@" 2>&1)
	status=$?
	said=${said//"$box/"/}
}

# refused MESSAGE TEXT: the declaration is, and the message begins like that
refused() {
	write x "$2"
	check "$box/x.conf"
	is "$status ${said:0:$((${#1} + 8))}" "1 lukeep: $1" "refused: ${2@Q}"
}

# means LINES TEXT: the declaration is understood like that; of what there is, only lines that begin like these are compared
means() {
	local got expected

	write x "$2"
	expected=$(printf '%b' "$1")
	got=$("$box/declaration" show "$box" x 2>&1 | grep -E "^($(cut -d ' ' -f 1 <<<"$expected" | paste -sd '|'))\b")
	is "$got" "$expected" "understood: ${2@Q}"
}

# differs EXPECTED [SED-SCRIPT]: a declaration edited like that, compared with what it was
differs() {
	sed "${2:-}" "$box/was.conf" >"$box/now.conf"
	is "$("$box/declaration" compare "$box" now was)" "$1" "compared after ${2:-nothing}"
}

service='[service]\nstart = a\n'
tmpfs=$service'[tmpfs]\npath = /a/b\n'
container='[service]\n[process]\ncontainer = a-1\n'
process=$service'[process]\nimages = /a/b\n'
memory=$service'[memfd m]\nkind = memory\n'
name63=$(printf 'n%.0s' {1..63})
not_a_shell="x.conf:2: a command is not run by a shell: quote"

commands() {
	means 'start <a> <b c> <d>' '[service]\nstart = a  "b c"\t d\n'
	means 'start <$A> <1> <x y> <1-x y>' "[service]\nstart = '\$A' \$A \"\$B\" \${A}-\$B\n"
	means 'start <a> <> <-> <>' "[service]\nstart = a \$EMPTY \$UNSET \"\$UNSET\" -\${UNSET} ''\n"
	means 'start <$> <a$b> <\\$$>' "[service]\nstart = \$\$ a\$\$b '\\\\\$\$'\n"
	means 'start <a b> <"> <\\q"$>' '[service]\nstart = a\\ b \\" "\\q\\"\\$"\n'
	means 'start <a;b#> <x|y> <u?a&b> <;> <|> <*> <~> <`id`> <#>' "[service]\nstart = a;b# x|y u?a&b ';' \\\\| * ~ \`id\` '#'\n"
	means 'start <fd> </proc/self/fd/7>' '[service]\nstart = fd /proc/self/fd/$LUKEEP_FD_ram\n'
	means 'start <a> <b> <c d> <#> <;e>' '[service]\nstart = a\n\tb "c\n\n# no\n  ; no\n    d" "#" \\;e\nretry = yes\n'
	means 'start <a> <b>' '[service]\nstart =\n\ta b'
	means 'start <a>\nresume <a>' "$service"
	means 'start <a>\nresume <b>' "${service}resume = b\n"

	refused "$not_a_shell" '[service]\nstart = a | b\n'
	refused "$not_a_shell" '[service]\nstart = a &\n'
	refused "$not_a_shell" '[service]\nstart = a && b\n'
	refused "$not_a_shell" '[service]\nstart = a ; comment\n'
	refused "$not_a_shell" '[service]\nstart = a\n\tb ;comment\n'
	refused "$not_a_shell" '[service]\nstart = a >/dev/null\n'
	refused "$not_a_shell" '[service]\nstart = a 2>&1\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a ${#X=}\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a ${#X?}\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a ${FOO:?boo}\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a ${X:=y}\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a "$(id)"\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a $1\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a ${A\n'
	refused 'x.conf:2: after a $ comes the name of a variable' '[service]\nstart = a $'
	refused 'x.conf:2: a quotation is not closed' "[service]\nstart = a 'b ; c\n"
	refused 'x.conf:2: a quotation is not closed' '[service]\nstart = a "b\n'
	refused 'x.conf:2: leave out the backslash at the end' '[service]\nstart = a \\\n\tb\n'
	refused 'x.conf:2: leave out the backslash at the end' "[service]\nstart = a \\\\\n"
	refused 'x.conf:2: there is no command' '[service]\nstart =\n'
	refused 'x.conf:4: there is no command' '[service]\nstart = a\n\tb\nresume =\n\n'
	refused "x.conf:2: there are no comments behind a command: give the comment a line of its own" '[service]\nstart = a # comment\n'
}

lines() {
	means 'start <a>\nmemfd m kind 0 size 1048576 path -' '; a\n#b\n[service]\r\nstart=a\r\n\r\n  # c\n[memfd m]\nkind =memory\nsize= 1M'
	refused 'x.conf:2: only a command goes on in an indented line' '[service]\n  start = a\n  save-signal = USR1\n'
	refused 'x.conf:3: the line is indented, and so is part of the command' "$service\tsave-signal = USR1\n"
	refused 'x.conf:3: the line is indented, and so is part of the command' "$service  kind=memory\n"
	refused 'x.conf:3: the line is indented, and so is part of the command' "$service [memfd m]\n"
	refused 'x.conf:4: only a command goes on in an indented line' "${service}retry = yes\n\tno\n"
	refused 'x.conf:3: the key "start" is there twice' "${service}start = b\n"
	refused 'x.conf:6: the key "path" is there twice' "${memory}path = /a\npath = /b\n"
	refused 'x.conf:3: section [service] is there twice' "${service}[service]\n"
	refused 'x.conf:5: section [memfd m] is there twice' "${memory}[memfd m]\n"
	refused 'x.conf:3: there is no section [thing]' "${service}[thing]\n"
	refused 'x.conf:3: the line begins with [ and does not end with ]' "${service}[memfd m\n"
	refused 'x.conf:3: this is neither [SECTION] nor KEY = VALUE' "${service}retry\n"
	refused 'x.conf:3: section [service] does not know the key "size": see lukeep.conf(5)' "${service}size = 1\n"
	refused 'x.conf:5: section [memfd m] does not know the key "start": see lukeep.conf(5)' "${memory}start = a\n"
	refused 'x.conf:1: there is no [SECTION] before this line' 'start = a\n'
	refused 'x.conf: section [service] needs the key "start"' ''
	refused 'x.conf: section [service] needs the key "start"' '[memfd m]\nkind = memory\n'
	refused 'x.conf: section [memfd m] needs the key "kind"' "${service}[memfd m]\n"
	refused 'x.conf:3: the line has a NUL byte' "$service"'re\0000try = yes\n'
	refused 'x.conf:3: the line is not UTF-8' "$service"'resume = \0377\n'
	refused 'x.conf: the file has more than 65536 bytes' "${service}resume = a$(printf '%70000s' '')\n"
	means 'start <a>\nresume <b>' "${service}resume = b$(printf '%60000s' '')\n"
}

memfds() {
	means "memfd ${name63%n}a kind 0 size 0 path -\nmemfd ${name63%n}b kind 1 size 0 path /b" \
		"${service}[memfd ${name63%n}a]\nkind = memory\n[memfd ${name63%n}b]\nkind = save\npath = /b\n"
	refused "x.conf:3: section [memfd n$name63] has no valid name" "${service}[memfd n$name63]\n"
	refused 'x.conf:3: section [memfd ] has no valid name' "${service}[memfd ]\n"
	refused 'x.conf:3: section [memfd a b] has no valid name' "${service}[memfd a b]\n"
	refused 'x.conf:5: memfds a-b and a_b would have the same variable LUKEEP_FD_a_b' \
		"${service}[memfd a-b]\nkind = memory\n[memfd a_b]\nkind = memory\n"
	refused 'x.conf:7: the path /a is used twice' "${memory}path = /a\n[memfd n]\npath = /a\n"
	refused 'x.conf:5: the path a does not begin with a slash' "${memory}path = a\n"
	refused 'x.conf:4: "other" is neither memory nor save' "${service}[memfd m]\nkind = other\n"
	refused 'x.conf: memfd m: what is saved has the size it gets' "${service}[memfd m]\nkind = save\nsize = 1\n"
	refused 'x.conf:35: a service has at most 16 memfds' "$service$(printf '[memfd %s]\\nkind = save\\n' {1..17})"
}

files_of() {
	local value

	means 'tmpfs /a/b size 0 huge -' "$tmpfs"
	means 'tmpfs /a/b size 1048576 huge within_size\nmemfd m kind 0 size 0 path /a/b/c' \
		"${tmpfs}size = 1M\nhuge = within_size\n[memfd m]\nkind = memory\npath = /a/b/c\n"
	means 'start <a>\ntmpfs /a size 0 huge -' '[tmpfs]\npath = /a\n[service]\nstart = a\n'
	for value in never always advise; do
		means "tmpfs /a/b size 0 huge $value" "${tmpfs}huge = $value\n"
	done
	refused 'x.conf:5: "2M" is not one of never, always, within_size and advise' "${tmpfs}huge = 2M\n"
	refused 'x.conf:5: "x" is not a size' "${tmpfs}size = x\n"
	refused 'x.conf:4: the path a does not begin with a slash' "${service}[tmpfs]\npath = a\n"
	for value in / /a/ //a /a//b /a/../b /a/./b /..; do
		refused "x.conf:4: the path $value is no place to mount a tmpfs" "${service}[tmpfs]\npath = $value\n"
	done
	refused 'x.conf:5: section [tmpfs] is there twice' "${tmpfs}[tmpfs]\n"
	refused 'x.conf:5: section [tmpfs] does not know the key "kind": see lukeep.conf(5)' "${tmpfs}kind = memory\n"
	refused 'x.conf: section [tmpfs] needs the key "path"' "${service}[tmpfs]\nsize = 1M\n"
	refused 'x.conf:3: there is no section [tmpfs a]: use [service], [memfd NAME], [tmpfs] and [process]' "${service}[tmpfs a]\n"
	write "${name63%n}" "$tmpfs"
	check "$box/${name63%n}.conf"
	is "$status ${said#*.conf: }" "1 the name of a service with a tmpfs has at most 57 letters: rename the file, and the service with it" "a name too long"
	rm "$box/${name63%n}.conf"
}

processes() {
	local value

	means "start <lukeep-criu> <run> <x> </a/b> <a>\nresume <lukeep-criu> <resume> <x> </a/b> <lazily>\nsave-command <lukeep-criu> <dump> <x> </a/b>
ready-command <lukeep-criu> <ready> <x> </a/b>\nrestart 0 retry 1 hold 0 clock 0\ncheck <lukeep-criu> <check> <x> </a/b>
predump <lukeep-criu> <predump> <x> </a/b> <3>" "$process"
	means 'predump <lukeep-criu> <predump> <x> </a/b> <0>' "${process}predump = 0\n"
	means 'resume <lukeep-criu> <resume> <x> </a/b>' "${process}lazy = no\n"
	means "start <lukeep-podman> <run> <x> </var/lib/lukeep/x.container> <a-1>\nresume <lukeep-podman> <resume> <x> </var/lib/lukeep/x.container> <a-1>
save-command <lukeep-podman> <dump> <x> </var/lib/lukeep/x.container> <a-1>
ready-command <lukeep-podman> <ready> <x> </var/lib/lukeep/x.container> <a-1>\nrestart 0 retry 1 hold 0 clock 0
check <lukeep-podman> <check> <x> </var/lib/lukeep/x.container> <a-1>
predump <lukeep-podman> <predump> <x> </var/lib/lukeep/x.container> <a-1>" "$container"
	write x "${container}predump = 0\n"
	is "$("$box/declaration" show "$box" x | grep -c -e check -e predump)" 1 "a container without a trial"
	refused 'x.conf:3: -a is no name of a container' '[service]\n[process]\ncontainer = -a\n'
	refused 'x.conf:3: a b is no name of a container' '[service]\n[process]\ncontainer = a b\n'
	refused 'x.conf: a container is started by podman: leave start out' "${service}[process]\ncontainer = a\n"
	refused 'x.conf: a container is dumped to the storage of podman: leave images, pipes and the tmpfs out' "${container}images = /a\n"
	refused 'x.conf: a container is dumped to the storage of podman: leave images, pipes and the tmpfs out' "${container}pages = pipes\n"
	means 'ready-command <lukeep-criu> <ready> <x> </a> <b>' "[service]\nstart = a\nready-command = b\n[process]\nimages = /a\n"
	means 'restart 1 retry 0 hold 0 clock 0' "[service]\nstart = a\nrestart = yes\n[process]\nimages = /a\non-failed-restore = start\n"
	means 'start <lukeep-criu> <run> <x> </a/b/.images> <a>\ncheck <lukeep-criu> <check> <x> </a/b/.images> </a/b>' "${tmpfs}[process]\n"
	means 'start <lukeep-criu> <run> <x> </a b> <c>' "[process]\nimages = /a b\n[service]\nstart = c\n"
	refused 'x.conf:5: "100" is not a number of 0 to 99' "${process}predump = 100\n"
	refused 'x.conf:3: "-1" is not a number of 0 to 99' "${service}order = -1\n"
	means 'order 7' "${service}order = 7\n"
	means 'pages files' "$process"
	means 'pages files' "${process}pages = files\n"
	means 'save-command <lukeep-criu> <dump> <x> </a/b> <pipes>\npages pipes' "${process}pages = pipes\n"
	refused 'x.conf:5: "memory" is neither files nor pipes' "${process}pages = memory\n"
	refused 'x.conf:5: "maybe" is neither keep nor start' "${process}on-failed-restore = maybe\n"
	refused 'x.conf: on-failed-restore = start needs restart = yes' "${process}on-failed-restore = start\n"
	refused 'x.conf: section [process] needs the key "images", or a section [tmpfs]' "${service}[process]\n"
	refused 'x.conf:5: section [process] is there twice' "${process}[process]\n"
	for value in 'resume = b' 'save-command = b' 'save-signal = HUP' 'retry = yes'; do
		refused 'x.conf: a service with a section [process] is dumped and restored: leave resume, save-command, save-signal and retry out' \
			"$service$value\n[process]\nimages = /a\n"
	done
	refused 'x.conf: a service with a section [process] has its memory in its images: leave the memfds out' "${process}[memfd m]\nkind = memory\n"
	refused 'x.conf: out of memory, or the path of the images has a quote' "${service}[process]\nimages = /a'b\n"
}

values() {
	local value

	for value in 1G 1g 1GiB 1gib '1 GiB' 1024M 1048576K 1073741824; do
		means 'memfd m kind 0 size 1073741824 path -' "${memory}size = $value\n"
	done
	for value in '' G -1 1GB 1.5G 1Gi 4194304T 99999999999999999999 0x10; do
		refused "x.conf:5: \"$value\" is not a size: use" "${memory}size = $value\n"
	done
	means 'memfd m kind 0 size 4194304 path - huge 2097152' "${memory}size = 4M\nhugetlb = 2M\n"
	means 'memfd m kind 0 size 0 path - huge 1073741824' "${memory}hugetlb = 1G\n"
	for value in 0 4K 3M; do
		refused "x.conf:5: \"$value\" is no size of huge pages: use 2M or 1G" "${memory}hugetlb = $value\n"
	done
	refused 'x.conf:5: "yes" is no size of huge pages: use 2M or 1G' "${memory}hugetlb = yes\n"
	refused 'x.conf: memfd m: its size must be a multiple' "${memory}size = 3M\nhugetlb = 2M\n"
	refused 'x.conf: memfd m: nobody can write to a file of huge pages' "${service}[memfd m]\nkind = save\nhugetlb = 2M\n"
	means 'memfd m kind 0 size 4194304 path - thp' "${memory}size = 4M\nthp = always\n"
	means 'memfd m kind 0 size 4194304 path -' "${memory}size = 4M\nthp = never\n"
	refused 'x.conf:5: "advise" is neither never nor always' "${memory}thp = advise\n"
	refused 'x.conf: memfd m: with thp = always it is allocated before' "${memory}thp = always\n"
	refused 'x.conf: memfd m: its pages come from hugetlbfs or are transparent' "${memory}size = 4M\nthp = always\nhugetlb = 2M\n"
	refused 'x.conf: memfd m: what is saved has the size it gets' "${service}[memfd m]\nkind = save\nsize = 4M\nthp = always\n"
	refused 'x.conf: memfd m: with thp = always' "${service}[memfd m]\nkind = save\nthp = always\n"
	for value in 120 120s '120 s' 2min 2m; do
		means 'save-signal 15 save-timeout 120 stop-timeout 90' "${service}save-timeout = $value\n"
	done
	means 'save-signal 10 save-timeout 60 stop-timeout 86400' "${service}save-signal = SIGUSR1\nstop-timeout = 24h\n"
	for value in '' 0 -1 25h 86401 2d min; do
		refused "x.conf:3: \"$value\" is not a time: use" "${service}save-timeout = $value\n"
	done
	for value in yes true on 1 Yes; do
		means 'restart 0 retry 0 hold 0 clock 1' "${service}clock = $value\n"
	done
	for value in no false off 0; do
		means 'restart 1 retry 0 hold 1 clock 0' "${service}clock = $value\nrestart = yes\nif-lost = hold\n"
	done
	refused 'x.conf:3: "maybe" is neither yes nor no' "${service}retry = maybe\n"
	refused 'x.conf:3: "lose" is neither start nor hold' "${service}if-lost = lose\n"
	refused 'x.conf:3: "KILL" is not a save signal: use TERM' "${service}save-signal = KILL\n"
	refused 'x.conf: save-command and save-signal exclude each other' "${service}save-signal = TERM\nsave-command = b\n"
	means 'stop-command <b> <c>\nready-command <d>' "${service}stop-command = b c\nready-command = d\n"
	# An ä is two bytes, and not cut in the middle.
	refused "x.conf:3: \"x$(printf 'ä%.0s' {1..39})\" is neither yes nor no" "${service}retry = x$(printf 'ä%.0s' {1..50})\n"
}

# What is in the way of a file, instead of in it.
files() {
	local folder=$box/folder

	mkdir -p "$folder" "$box/dir.conf"
	mkfifo "$box/fifo.conf"
	check "$box/dir.conf"
	is "$status $said" '1 lukeep: dir.conf: this is not a file' "a folder"
	check "$box/fifo.conf"
	is "$status $said" '1 lukeep: fifo.conf: this is not a file' "a FIFO"
	check "$box/none.conf"
	is "$status $said" '1 lukeep: none.conf: No such file or directory' "a file that is not there"
	write systemd "$service"
	check "$box/systemd.conf"
	is "$status ${said%%:*} ${said#*.conf: }" "1 lukeep systemd has a session of this name for itself: rename the file, and the service with it" "systemd's name"
	write "n$name63" "$service"
	check "$box/n$name63.conf"
	is "$status ${said#*.conf: }" "1 \"n$name63\" is not a name: use 1 to 63 letters, digits, dots, dashes and underscores" "a name too long"

	write x "$memory"
	cp "$box/x.conf" "$folder/y.conf"
	chmod 664 "$box/x.conf"
	check "$box/x.conf"
	is "$status $said" '1 lukeep: x.conf: others can write to x.conf, and so have any command run: chmod go-w x.conf' "a file that a group can write"
	chmod 606 "$box/x.conf"
	check "$box/x.conf"
	is "$status ${said:0:35}" '1 lukeep: x.conf: others can write to' "a file that all can write"
	chmod 777 "$folder"
	check "$folder/y.conf"
	is "$status $said" '1 lukeep: folder/y.conf: others can write to folder, and so have any command run: chmod go-w folder' "a folder that all can write"
	chmod 1777 "$folder"
	check "$folder/y.conf"
	is "$status $said" '1 lukeep: folder/y.conf: others can write to the folder folder: move the declaration to another folder' "a folder like /tmp"
	chmod 755 "$folder"
	check "$folder/y.conf"
	is "$status $said" '0 folder/y.conf: no mistake found' "after these were corrected"
	if [ "$(id -u)" = 0 ]; then
		chown 65534 "$folder/y.conf"
		check "$folder/y.conf"
		is "$status $said" '1 lukeep: folder/y.conf: user 65534 owns folder/y.conf, and could have any command run: chown root folder/y.conf' "a file of another user"
		chown 0 "$folder/y.conf"
		chown 65534 "$folder"
		check "$folder/y.conf"
		is "$status $said" '1 lukeep: folder/y.conf: user 65534 owns folder, and could have any command run: chown root folder' "a folder of another user"
		chown 0 "$folder"
	fi
	rm -r "$box"/*.conf "$folder"
}

# lacks WARNING TEXT: so does this host
lacks() {
	write x "$2"
	check "$box/x.conf"
	is "$status $said" "0 lukeep: x.conf: $1" "warned of: ${2@Q}"
}

# What is not there yet is no mistake.
lacking() {
	local memfd='[memfd m]\nkind = memory\n'

	lacks 'start: cannot run /bin/nosuch: No such file or directory' "[service]\nstart = /bin/nosuch -a\n$memfd"
	lacks 'start: cannot run /etc/passwd: Permission denied: make it executable (chmod +x)' "[service]\nstart = /etc/passwd\n$memfd"
	lacks 'start: cannot run /etc: Is a directory' "[service]\nstart = /etc\n$memfd"
	lacks 'start: cannot run no-such: No such file or directory' "[service]\nstart = no-such\nresume = a\n$memfd"
	lacks 'resume: cannot run no-such: No such file or directory' "${service}resume = no-such\n$memfd"
	lacks 'save-command: cannot run no-such: No such file or directory' "${service}save-command = no-such\n$memfd"
	lacks 'stop-command: cannot run no-such: No such file or directory' "${service}stop-command = no-such\n$memfd"
	lacks 'ready-command: cannot run no-such: No such file or directory' "${service}ready-command = no-such\n$memfd"
	lacks 'memfd m: its size is more than the memory of this host' "${memory}size = 999T\n"
	lacks 'it has neither a memfd nor a tmpfs, and is not dumped, so nothing that the service has is kept: add a section [memfd NAME], [tmpfs] or [process]' "$service"
	lacks 'tmpfs: there is no folder /no/such to mount it on: make it, with the owner and the mode that the tmpfs is to have' "${service}[tmpfs]\npath = /no/such\n"
	for program in lukeep-criu lukeep-podman; do
		printf '#!/bin/sh\n' >"$box/bin/$program"
		chmod +x "$box/bin/$program"
	done
	PATH=$box/bin lacks 'process: not in PATH, and needed: criu nft: install them' "$process"
	PATH=$box/bin lacks 'process: not in PATH, and needed: criu nft podman: install them' "[service]\n[process]\ncontainer = x\n"
	cp "$box/bin/a" "$box/bin/nft"
	PATH=$box/bin lacks 'process: not in PATH, and needed: criu podman: install them' "[service]\n[process]\ncontainer = x\n"
	rm "$box/bin/nft"
	lacks 'tmpfs: its size is more than the memory of this host' "${service}[tmpfs]\npath = /mnt\nsize = 999T\n"
	lacks 'memfd m: there is no folder /no/such/ for its link: take /run/lukeep-x, or make it' "${memory}path = /no/such/m\n"
	lacks 'memfd m: there is no folder /run/lukeep-other/ for its link: take /run/lukeep-x, or make it' "${memory}path = /run/lukeep-other/m\n"
	for text in "${memory}path = /run/lukeep-x/m\n" "${memory}path = /m\n" "${service}[tmpfs]\npath = /mnt\nsize = 1M\n" "[service]\nstart = \$PROGRAM a\n$memfd" \
		"[service]\nstart = 'a' b\n$memfd"; do
		write x "$text"
		check "$box/x.conf"
		is "$status $said" "0 x.conf: no mistake found" "nothing lacks: ${text@Q}"
	done
	rm "$box/x.conf"
}

# A keeper is its service's user's.
unreadable() {
	local as=()

	[ "$(id -u)" != 0 ] || as=(setpriv --reuid 65534 --clear-groups)
	write x "$service"
	chmod 0 "$box/x.conf"
	chmod 711 "$box"
	said=$("${as[@]}" "$box/lukeep" check "$box/x.conf" 2>&1)
	is "$? ${said//"$box/"/}" "1 lukeep: x.conf: Permission denied: it has to be readable for the user of its unit" \
		"a declaration that cannot be read"
	rm "$box/x.conf"
}

# The verb itself, and the others.
verbs() {
	mkdir "$box/etc"
	check --config-dir "$box/etc"
	is "$status $said" "1 lukeep: there is no declaration in etc: see lukeep.conf(5)" "check: an empty folder"
	cp "$agent"/{memcached,qemu,redis,redis-podman,redis-tmpfs}.conf "$box/etc"
	sed -i "s:/srv/redis:$box/etc:" "$box/etc/redis-tmpfs.conf"
	chmod go-w "$box"/etc/*
	for program in memcached lukeep-qemu redis-server redis-cli lukeep-criu lukeep-podman podman criu nft; do
		printf '#!/bin/sh\n' >"$box/bin/$program"
		chmod +x "$box/bin/$program"
	done
	check --config-dir "$box/etc"
	is "$status $said" $'0 etc/memcached.conf: no mistake found\netc/qemu.conf: no mistake found\netc/redis-podman.conf: no mistake found\netc/redis-tmpfs.conf: no mistake found\netc/redis.conf: no mistake found' "check: the examples"
	printf '[service]\n' >"$box/etc/bad.conf"
	check --config-dir "$box/etc"
	is "$status $(grep -c . <<<"$said")" "1 6" "check: a mistake does not hide what is right"
	check --config-dir "$box/etc" qemu
	is "$status $said" '0 etc/qemu.conf: no mistake found' "check: a service"
	check --config-dir "$box/etc" qemu "$box/etc/bad.conf"
	is $status 1 "check: two, of which one has a mistake"
	check "$box/etc/bad"
	is "$status $said" '1 lukeep: etc/bad: the name of a declaration ends in .conf' "check: another name"
	check --config-dir "$box/nowhere"
	is "$status $said" '1 lukeep: cannot read the folder nowhere: No such file or directory' "check: no folder"

	said=$("$box/lukeep" 2>&1)
	is "$? $said" $'2 lukeep: there is no verb: what shall be done?\nTry "lukeep --help".' "no verb"
	said=$("$box/lukeep" foo 2>&1)
	is "$? $said" $'2 lukeep: there is no verb "foo"\nTry "lukeep --help".' "a verb that there is not"
	said=$("$box/lukeep" start x 2>&1)
	is "$? ${said%%$'\n'*}" '2 lukeep: there is no verb "start": reload starts what does not run' "a verb that others have"
	said=$("$box/lukeep" update --kernel 2>&1)
	is "$? $said" $'2 lukeep: option \'--kernel\' requires an argument\nTry "lukeep --help".' "an option without its argument"
	said=$("$box/lukeep" update --json 2>&1)
	is "$? $said" $'2 lukeep: update does not have this option\nTry "lukeep --help".' "an option of another verb"
	is "$("$box/lukeep" help)" "$("$box/lukeep" --help)" "help"
	ok "--version" grep -qx 'lukeep [^ ]*' <("$box/lukeep" --version)
}

compared() {
	cp "$box/etc/qemu.conf" "$box/was.conf"
	differs '0 '
	differs '-1 memfd ram is not there any more' 's/memfd ram/memfd ram0/'
	differs '-1 memfd more is new' '$a [memfd more]\nkind = save'
	differs '-1 memfd state is of another kind' 's/kind = save/kind = memory/'
	differs '-1 memfd ram has another path' 's:^size:path = /ram\n&:'
	differs '-1 the command that resumes it is another one' 's/-smp 2/-smp 1/'
	differs '1 memfd ram has another size' 's/1G/2G/'
	differs '1 memfd ram has other pages' '/^size/a hugetlb = 2M'
	differs '1 memfd ram has other pages' '/^size/a thp = always'
	differs '1 save-command is another one' 's/lukeep-qemu save/true/'
	differs '1 save-command is another one' 's/^save-command.*/save-signal = USR1/'
	differs '-1 its tmpfs is new' '$a [tmpfs]\npath = /a'
	printf '[tmpfs]\npath = /a\nsize = 1M\n' >>"$box/was.conf"
	differs '0 '
	differs '-1 its tmpfs is not there any more' '/tmpfs/,$d'
	differs '-1 its tmpfs has another path' 's:/a$:/b:'
	differs '1 its tmpfs has another size, or other pages' 's:1M:2M:'
	differs '1 its tmpfs has another size, or other pages' '$a huge = always'
	sed -i "s/^save-command/resume = b\n&/" "$box/was.conf"
	differs '1 start is another one' 's/-smp 2/-smp 1/'
}

"$root/scripts/setup" demo >&2
ok "the programs build" build_programs >"$box/log" 2>&1
cat "$box/log"
export A=1 B='x y' EMPTY='' LUKEEP_FD_ram=7
unset UNSET X FOO
commands
lines
memfds
files_of
processes
values
files
lacking
unreadable
verbs
compared
cat >"$box/all.conf" <<'END'
[service]
start = sh -c 'exec a "$LUKEEP_FD_m"' "$$ \$" ${A}/x$B\ y
	--long=1,2
resume = a "b c"
save-command = b
save-timeout = 2min
stop-command = c
stop-timeout = 5
ready-command = d
restart = on
retry = yes
if-lost = hold
clock = 0

[memfd a.b-c_d]
kind = memory
size = 1GiB
path = /a/b

[tmpfs]
path = /c/d
size = 3M
huge = advise
END
printf '%b' "${process}predump = 2\nlazy = no\non-failed-restore = keep\n" >"$box/process.conf"
"$box/declaration" fuzz "$box" 3000 "$box"/etc/{memcached,qemu,redis-tmpfs}.conf "$box"/{all,process}.conf
is $? 0 "3000 declarations with mistakes do no harm"
done_testing
