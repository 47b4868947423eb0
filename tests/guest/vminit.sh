#!/bin/busybox sh
# shellcheck shell=dash
# The first process of a guest in the guest. Words NAME=VALUE on its command line are its environment.
busybox mount -t proc proc /proc
busybox ifconfig eth0 "${address:?}" up
exec vmload 10.0.2.100 7 8
