# shellcheck shell=sh
# Damaged descriptions of pipes, and of what is in them.
. /tests/selftest.sh

case $stage in
1)	halves luo_pipe prepare written ends kinds dump unwanted
	# How many buffers; a page frame; the length of data.
	cat >/sys/kernel/debug/kho/out/corrupt <<-end
		pipe@written 0 4 0x01
		folio@dump 1000 0 0x10
		folio@ends 0 12 0x01
	end
	next_kernel B ;;
2)	came_from A 1
	halves luo_pipe verify damaged kinds unwanted
	is "$(messages 'pipe_luo: what was handed over of a pipe at .* is damaged')" 2 "the log says which are lost"
	is "$(messages 'pipe_luo: the records of data from number 768 on are damaged')" 1 "and what in them"
	pass ;;
esac
