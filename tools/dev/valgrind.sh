#!/bin/sh
# Prints the path of a valgrind that can count instructions (callgrind); only make bench asks for it.
#
# One on PATH is taken. Else apt fetches this system's own package from where it fetches everything, checks its
# signature, and it is unpacked below .cache/: nothing is installed and no root is needed.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
home="$root/.cache/valgrind"
wrapper="$home/bin/valgrind"

counts() { "$1" --tool=callgrind --callgrind-out-file=/dev/null true >/dev/null 2>&1; }

fail() {
    echo "valgrind: $*" >&2
    exit 1
}

if found=$(command -v valgrind) && counts "$found"; then
    echo "$found"
    exit 0
fi
if [ -x "$wrapper" ] && counts "$wrapper"; then
    echo "$wrapper"
    exit 0
fi
command -v apt-get >/dev/null && command -v dpkg >/dev/null \
    || fail "there is none on PATH, and this system has no apt to fetch one with; install it with this system's package manager"

work="$home.apt"
rm -rf "$work"
mkdir -p "$work/state/lists/partial" "$work/archives/partial" "$work/unpacked"
: >"$work/status"

# apt with lists of its own: the system's may be missing, and only root may fetch those.
private_apt() {
    apt-get -qq -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work" \
        -o Acquire::Languages=none -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Acquire::Retries=3 "$@"
}

(cd "$work/archives" && private_apt update && private_apt download valgrind) >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    fail "apt could not fetch the package (see above); with network, run this again, or install valgrind"
}
for package in "$work"/archives/valgrind*.deb; do
    dpkg -x "$package" "$work/unpacked"
done
binary=$(find "$work/unpacked/usr/bin" -name valgrind.bin -o -name valgrind | sort | tail -n 1)
tools=$(find "$work/unpacked/usr" -name 'callgrind-*-linux' -exec dirname {} + | sort -u | head -n 1)
[ -n "$binary" ] && [ -n "$tools" ] || fail "the fetched package holds no callgrind; install valgrind and run this again"

rm -rf "$home"
mkdir -p "$home/bin"
mv "$work/unpacked" "$home/root"
cat >"$wrapper" <<WRAPPER
#!/bin/sh
VALGRIND_LIB="$home/root${tools#"$work/unpacked"}" exec "$home/root${binary#"$work/unpacked"}" "\$@"
WRAPPER
chmod +x "$wrapper"
rm -rf "$work"
counts "$wrapper" || fail "the fetched package does not run on this machine"
echo "$wrapper"
