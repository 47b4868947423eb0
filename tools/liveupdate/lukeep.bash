# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of lukeep's and lukeep-qemu's command lines.
# Copyright The Linux Live Update LTS authors

# Names of services: those that are declared, and those that are kept.
_lukeep_services()
{
	local file

	for file in /etc/lukeep/*.conf /run/lukeep/*.keeper; do
		[[ $file == *'*'* ]] || { file=${file##*/}; echo "${file%.*}"; }
	done
}

# The options of a verb, and what it is given besides.
_lukeep_words()
{
	case $1 in
	run) echo --config-dir --run-dir --state-dir ;;
	update) echo --kernel --initrd --reuse-cmdline --append --now --dry-run \
		--without --max-pause --run-dir ;;
	cancel) echo --run-dir ;;
	reload | stop)
		[[ $2 == -* ]] || { _lukeep_services; return; }
		echo --config-dir --run-dir ;;
	status) echo --json --check --config-dir --run-dir ;;
	history) echo --json --state-dir ;;
	check)
		[[ $2 == -* ]] || { _lukeep_services; return; }
		echo --config-dir ;;
	esac
}

_lukeep()
{
	# bash-completion sets these, and $split when the word is --option=value.
	local cur prev words cword split choices
	_init_completion -s || return

	case $prev in
	-k | --kernel | -i | --initrd) _filedir; return ;;
	-c | --config-dir | -r | --run-dir | -s | --state-dir)
		_filedir -d; return ;;
	-w | --without)
		mapfile -t COMPREPLY < <(compgen -W "$(_lukeep_services)" -- "$cur")
		return ;;
	-a | --append | -p | --max-pause) return ;;
	esac
	! $split || return

	if [ "$cword" = 1 ]; then
		choices="run update cancel reload stop status history check --help --version"
	elif [[ ${words[1]} == check && $cur == */* ]]; then
		_filedir conf
		return
	else
		choices=$(_lukeep_words "${words[1]}" "$cur")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
}
complete -F _lukeep lukeep

_lukeep_qemu()
{
	local cur prev words cword
	_init_completion || return

	case $cword:${words[1]} in
	1:*) mapfile -t COMPREPLY < <(compgen -W "run ready save stop" -- "$cur") ;;
	2:*) _filedir ;;
	*:run) _command_offset 3 ;;
	esac
}
complete -F _lukeep_qemu lukeep-qemu
