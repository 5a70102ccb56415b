# SPDX-License-Identifier: MPL-2.0
#
# For the tests of the cero tool. A test defines functions named claim_*
# and ends with `run_claims`: each claim runs in a shell and a directory of
# its own, under `set -e`, and what it started is ended with it. Only
# events are waited for, each with a deadline.
set -u
cero=${CERO:?set CERO to the path of the tool}
deadline_s=20

# start NAME ARG...: runs `cero ARG... -v` in the background, with its
# streams in NAME.in (if that exists), NAME.out and NAME.err.
start() {
    local name=$1 input=/dev/null
    shift
    if [ -e "$name.in" ]; then
        input=$name.in
    fi
    # What an earlier one of this name has said is not for who asks now.
    rm -f "$name.err"
    timeout --foreground "$deadline_s" "$cero" "$@" -v \
        <"$input" >"$name.out" 2>"$name.err" &
    echo $! >"$name.pid"
}

# finish NAME: waits for its end; the exit code is the tool's.
finish() {
    wait "$(cat "$1.pid")"
}

# told NAME TEXT: waits until NAME has written TEXT to stderr.
told() {
    local end=$((SECONDS + deadline_s))
    until grep -qF -- "$2" "$1.err" 2>/dev/null; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "$1 did not say '$2' but: $(cat "$1.err")" >&2
            return 1
        fi
        sleep 0.02
    done
}

# endpoint NAME: where NAME listens, as soon as it does.
endpoint() {
    told "$1" "listening at " || return 1
    sed -n 's/.*listening at //p' "$1.err" | head -n 1
}

# cero ARG...: the tool in the foreground, with a deadline.
cero() {
    timeout --foreground "$deadline_s" "$cero" "$@"
}

# exits CODE COMMAND...: the command must end with exactly that code.
exits() {
    local want=$1 got=0
    shift
    "$@" || got=$?
    if [ "$got" -ne "$want" ]; then
        echo "exit code $got instead of $want: $*" >&2
        return 1
    fi
}

end_jobs() {
    local code=$?
    set +e
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null
    wait
    exit "$code"
}

run_one() (
    cd "$1" || exit 1
    set -m # background jobs must not begin with SIGINT ignored
    trap end_jobs EXIT
    exec 2>claim.err
    set -e
    "$2"
)

run_claims() {
    local claim directory failed=0
    for claim in $(compgen -A function claim_); do
        directory=$(mktemp -d)
        # Not in the condition: `set -e` does nothing in what is tested.
        run_one "$directory" "$claim" &
        if wait $!; then
            echo "ok      ${claim#claim_}"
        else
            echo "FAILED  ${claim#claim_}"
            tail -n 5 "$directory"/*.err
            failed=1
        fi
        rm -rf "$directory"
    done
    exit "$failed"
}
