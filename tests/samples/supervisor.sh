#!/usr/bin/env bash
# A supervisor that knows `haco next` and its answers, which lie in the directory $1 by the name of the action. What a
# person must do it prints, and exits 3; what nobody needs to answer it runs; at the end of all work it exits 0.
set -uo pipefail

while next=$(haco next --json); do
	field() { jq -r ".$1 // empty" <<<"$next"; }
	mapfile -t command < <(jq -r '.command[]?' <<<"$next")
	if run=$(haco next --command 2>/dev/null); then
		eval "$run" >/dev/null || [ $? -eq 1 ] || exit
	elif [ "$(field actor)" = human ]; then
		echo "${command[*]}"
		exit 3
	else
		[ -n "$(field prompt)" ] || exit 70
		"${command[@]}" <"$1/$(field action).json" >/dev/null || exit
	fi
done
