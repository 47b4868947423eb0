# shellcheck shell=sh
# As units.sh, with the systemd of Debian 13.
. /tests/units.sh
