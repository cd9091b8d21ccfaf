#!/usr/bin/env bash
# One wave of the loop as a pipe: what is ready is measured on its base, drafted by four workers at a time, checked and
# audited; the ids that passed everything come out. A ticket that gets a no drops out of the pipe and is ready again for
# the next wave. Needs an auditor that is a model (roles.auditor).
set -o pipefail

haco list --status ready --ids |
	haco-verify --baseline |
	xargs -r -n1 -P4 haco-worker |
	haco-verify |
	haco-audit
