#!/bin/sh
# Prints the path of a Unix-port MicroPython >= 1.25, fetching one where the machine has none.
#
#   micropython.sh          one for this machine's processor
#   micropython.sh --32     one with words of 32 bits, as on an ESP32, for measuring its memory; fails where the
#                           machine can't run such programs
#
# One on PATH is taken if it is new enough. Else the distribution's own package (with the libraries it needs)
# is fetched by apt from the mirror this machine already uses, its signatures checked, and unpacked below
# .cache/: nothing is installed, no root is needed, and the system's own libraries are not touched. The binary
# runs through the loader that was unpacked beside it.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
home="$root/.cache/micropython"
foreign=
if [ "${1:-}" = --32 ]; then
    case "$(dpkg --print-architecture 2>/dev/null || uname -m)" in
        amd64 | x86_64) foreign=i386 ;;
        arm64 | aarch64) foreign=armhf ;;
    esac
    home="$root/.cache/micropython32"
fi
wrapper="$home/bin/micropython"

new_enough() {
    "$1" -c 'import sys; sys.exit(0 if sys.implementation.version >= (1, 25) and hasattr(__import__("tls"), "SSLContext") else 1)' \
        >/dev/null 2>&1
}

fail() {
    echo "micropython: $*" >&2
    exit 1
}

if [ -z "$foreign" ] && found=$(command -v micropython) && new_enough "$found"; then
    echo "$found"
    exit 0
fi
if [ -x "$wrapper" ] && new_enough "$wrapper"; then
    echo "$wrapper"
    exit 0
fi

command -v apt-get >/dev/null && command -v dpkg >/dev/null \
    || fail "no MicroPython >= 1.25 on PATH, and this system has no apt to fetch one with; build the Unix port and put it on PATH"

# The suite whose package is new enough, on the kind of mirror this machine uses.
. /etc/os-release
case "${ID:-}" in
    ubuntu) suite=resolute component=universe keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
    *) suite=trixie component= keyring=/usr/share/keyrings/debian-archive-keyring.gpg ;;
esac
[ -r "$keyring" ] || fail "$keyring is missing; install the package that carries the archive's keys and run this again"

# The mirrors are the machine's own, in the order apt knows them.
mirrors=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null \
    | awk 'tolower($2) ~ /^(debian|ubuntu)$/ {print $1}' | awk '!seen[$0]++' || true)
if [ -z "$mirrors" ]; then # lists never fetched on this machine: read the sources themselves
    mirrors=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null \
        | sed -n -e 's/^URIs:[[:space:]]*//p' -e 's/^deb[[:space:]]\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\).*/\2/p' \
        | tr ' ' '\n' | grep -E '/(debian|ubuntu|ubuntu-ports)/?$' | awk '!seen[$0]++' || true)
fi
[ -n "$mirrors" ] || fail "apt on this machine knows no ${ID:-Debian} mirror; add one to /etc/apt/sources.list.d and run this again"

work="$home.apt"
rm -rf "$work"
mkdir -p "$work/state/lists/partial" "$work/archives/partial" "$work/sources" "$work/unpacked"
: >"$work/status"
: >"$work/none"

# apt with a state of its own: an empty dpkg status makes it fetch every library the package needs.
private_apt() {
    apt-get -qq -o Dir::State="$work/state" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work" -o Dir::Cache::archives="$work/archives" \
        -o Dir::Etc::sourcelist="$work/none" -o Dir::Etc::sourceparts="$work/sources" \
        -o Acquire::Languages=none -o APT::Sandbox::User= -o Debug::NoLocking=1 \
        -o Acquire::Retries=3 -o APT::Install-Recommends=false \
        ${foreign:+-o APT::Architecture=$foreign -o APT::Architectures::=$foreign} "$@"
}

fetched=
for mirror in $mirrors; do
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main %s\nSigned-By: %s\n' \
        "$mirror" "$suite" "$component" "$keyring" >"$work/sources/own.sources"
    if private_apt update >"$work/log" 2>&1 \
        && private_apt install --download-only --yes micropython >>"$work/log" 2>&1; then
        fetched=yes
        break
    fi
done
[ -n "$fetched" ] || {
    tail -n 5 "$work/log" >&2
    fail "the package of suite $suite could not be fetched from this machine's mirror (see above); with network, run this again"
}

for package in "$work"/archives/*.deb; do
    dpkg -x "$package" "$work/unpacked"
done
loader=$(find "$work/unpacked" \( -name 'ld-linux*.so.*' -o -name 'ld64.so.*' \) | head -n 1)
binary=$work/unpacked/usr/bin/micropython
[ -n "$loader" ] && [ -x "$binary" ] || fail "the fetched package holds no program; remove $work and run this again"

rm -rf "$home"
mkdir -p "$home/bin"
mv "$work/unpacked" "$home/root"
libraries=$(find "$home/root" -name '*.so*' -exec dirname {} + | sort -u | tr '\n' ':')
cat >"$wrapper" <<WRAPPER
#!/bin/sh
exec "$home/root${loader#"$work"/unpacked}" --library-path "${libraries%:}" "$home/root/usr/bin/micropython" "\$@"
WRAPPER
chmod +x "$wrapper"
rm -rf "$work"
new_enough "$wrapper" || fail "the fetched package does not run on this machine"
echo "$wrapper"
