#!/bin/sh
# Every script can be read by sh.
set -eu
for script in *.sh lib/*.sh; do
	sh -n "$script"
done
