#!/bin/sh
# greet.sh [NAME]: one line on stdout
set -eu
. "$(dirname "$0")/lib/greeting.sh"
greeting "${1:-world}"
