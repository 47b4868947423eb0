# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of lukeep's and lukeep-qemu's command lines.
# Copyright The Linux Live Update LTS authors

_lukeep()
{
	# bash-completion sets these, and $split when the word is --option=value.
	local cur prev words cword split choices
	_init_completion -s || return

	case $prev in
	-k | --kernel | -i | --initrd) _filedir; return ;;
	-c | --config-dir | -r | --run-dir) _filedir -d; return ;;
	-a | --append) return ;;
	esac
	! $split || return

	case $cword:${words[1]} in
	1:*) choices="run reload status update stop check --help --version" ;;
	*:run) choices="--config-dir --run-dir" ;;
	*:check)
		[[ $cur == -* ]] || { _filedir conf; return; }
		choices="--config-dir" ;;
	*:status) choices="--json --run-dir" ;;
	*:update) choices="--kernel --initrd --reuse-cmdline --append --now --dry-run --run-dir" ;;
	*:reload | *:stop) choices="--run-dir" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
}
complete -F _lukeep lukeep

_lukeep_qemu()
{
	local cur prev words cword
	_init_completion || return

	case $cword:${words[1]} in
	1:*) mapfile -t COMPREPLY < <(compgen -W "run save" -- "$cur") ;;
	2:*) _filedir ;;
	*:run) _command_offset 3 ;;
	esac
}
complete -F _lukeep_qemu lukeep-qemu
