#!/bin/sh
# Makes the checkout ready: .venv with everything pinned, Mosquitto, PostgreSQL, Chromium, what pages and tests take from
# npm, Unix-port MicroPython. Safe to run again.
#
#   setup.sh            what make demo and make test need
#
# Nothing is written outside the checkout except where apt installs Mosquitto, PostgreSQL and Chromium (and python3-venv,
# if missing) and, so that Debian starts no database server of its own, /etc/postgresql-common/createcluster.conf if there
# is none.
# Who keeps a cache of packages elsewhere says so in UV_CACHE_DIR, PIP_CACHE_DIR and npm_config_cache.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
stamp=.cache/setup.stamp
export UV_CACHE_DIR="${UV_CACHE_DIR:-$root/.cache/uv-cache}" PIP_CACHE_DIR="${PIP_CACHE_DIR:-$root/.cache/pip-cache}"
export npm_config_cache="${npm_config_cache:-$root/.cache/npm-cache}"
npm_from=tests/street/opensensemap
npm_to=.cache/opensensemap
bpmn_from=tests/gateway/bpmn_engine
bpmn_to=.cache/bpmn_engine
assets_from=gateway/assets
assets_to=.cache/assets
vendor=gateway/bordstein_gateway/static/vendor

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

# Everything the environment is made from; a change to any of it makes it anew.
fingerprint() {
    cat requirements-dev.txt requirements-build.txt requirements-uv.txt gateway/pyproject.toml tools/pyproject.toml tools/dev/setup.sh \
        tools/dev/micropython.sh $npm_from/package-lock.json $npm_from/.npmrc $bpmn_from/package-lock.json $bpmn_from/.npmrc \
        $assets_from/package-lock.json $assets_from/.npmrc \
        tools/dev/assets.py | cksum
    echo "$root"
}

mosquitto_path() { PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto; }
# The newest one that is here. Debian keeps the servers' programs off the PATH.
postgres_path() { ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null || command -v postgres; }
chromium_path() { command -v chromium || command -v chromium-browser; }

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && [ -x .venv/bin/python ] \
    && .venv/bin/python -c 'import bordstein_gateway, bordstein_tools' 2>/dev/null && mosquitto_path >/dev/null \
    && postgres_path >/dev/null \
    && chromium_path >/dev/null \
    && [ -d $npm_to/node_modules ] && [ -d $bpmn_to/node_modules ] && [ -d $assets_to/node_modules ] && [ -f $vendor/licences.json ] \
    && tools/dev/micropython.sh >/dev/null 2>&1; then
    exit 0
fi

apt_install() {
    # $1: package, $2: what it is for
    command -v apt-get >/dev/null || fail "$1 is needed ($2); install it with this system's package manager and run this again"
    [ "$(id -u)" = 0 ] || fail "$1 is needed ($2); run: sudo apt-get install --yes $1"
    say "installing $1 ($2)"
    for attempt in 1 2; do
        if DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install --yes --no-install-recommends "$1" \
            >.cache/apt.log 2>&1; then
            return 0
        fi
        [ "$attempt" = 1 ] && apt-get update >.cache/apt.log 2>&1 || true
    done
    tail -n 5 .cache/apt.log >&2
    fail "apt could not install $1 (see above)"
}

mkdir -p .cache

python=
for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "Python 3.11 or newer is needed; run: sudo apt-get install --yes python3 python3-venv"

if command -v uv >/dev/null; then
    uv=uv
else
    if [ ! -x .cache/uv/bin/uv ]; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv "Python environments"
        say "fetching uv"
        rm -rf .cache/uv
        "$python" -m venv .cache/uv
        .cache/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt \
            || fail "uv could not be fetched from the Python package index; is there a network?"
    fi
    uv=.cache/uv/bin/uv
fi

say "Python packages into .venv"
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    "$uv" venv --quiet --clear --python "$(command -v "$python")" .venv
fi
VIRTUAL_ENV="$root/.venv" "$uv" pip sync --quiet --require-hashes --build-constraints requirements-build.txt \
    requirements-dev.txt || fail "the Python packages could not be installed (see above)"
VIRTUAL_ENV="$root/.venv" "$uv" pip install --quiet --no-deps --no-build-isolation --editable gateway --editable tools

mosquitto_path >/dev/null || apt_install mosquitto "the MQTT broker that the demonstration and the tests start themselves"
if ! postgres_path >/dev/null; then
    # The tests make clusters of their own; Debian must not make one, nor start it, on this machine.
    if [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    apt_install postgresql "the database server that the tests of the store start themselves"
fi

chromium_path >/dev/null || apt_install chromium "the browser in which the tests look at the staff's pages"

# $1: folder with package.json and its lock, $2: where they are installed, $3: what they are
npm_packages() {
    if cmp -s "$1/package-lock.json" "$2/package-lock.json" && [ -d "$2/node_modules" ]; then return 0; fi
    say "$3"
    mkdir -p "$2"
    cp "$1/package.json" "$1/.npmrc" "$1/package-lock.json" "$2/"
    (cd "$2" && PATH="$root/.venv/bin:$PATH" npm ci --silent >&2) \
        || { rm -f "$2/package-lock.json"; fail "npm could not fetch $3 (see above)"; }
}
npm_packages $npm_from $npm_to "openSenseMap's decoder, for the tests"
npm_packages $bpmn_from $bpmn_to "another BPMN engine, for the tests"
npm_packages $assets_from $assets_to "map, plots and diagrams for the staff's pages"
.venv/bin/python tools/dev/assets.py $assets_to/node_modules

tools/dev/micropython.sh >/dev/null
# Only to measure the firmware's memory as on an ESP32; not every machine runs programs of 32 bits.
tools/dev/micropython.sh --32 >/dev/null 2>&1 || say "no MicroPython with words of 32 bits here; its measurements are left out"

fingerprint >"$stamp"
say "ready"
