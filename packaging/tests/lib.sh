# Shared by packaging/test and its parts.

fail() { echo "packaging/test: $*" >&2; exit 1; }
is() { [ "$1" = "$2" ] || fail "$3: got \`$1\`, wanted \`$2\`"; }
need() { command -v "$1" >/dev/null || fail "\`$1\` is missing; on Debian: apt-get install $2"; }

# Makes a clean root, with the users that Debian's packages of PostgreSQL and Barman make, and prints its path. CLEAN_ROOT is one that
# is there already.
new_root() {
    if [ -n "${CLEAN_ROOT:-}" ]; then
        ln -sfn "$CLEAN_ROOT" "$work/clean"
    elif [ ! -d "$work/clean" ]; then
        sources=/etc/apt/sources.list.d/debian.sources
        [ -e "$sources" ] || sources=/etc/apt/sources.list
        mmdebstrap --quiet --variant=minbase --include=systemd,python3,python3-apt bookworm "$work/clean" "$sources" >&2
        for user in postgres barman; do
            chroot "$work/clean" useradd --system --user-group --create-home --home-dir "/var/lib/$user" "$user"
        done
    fi
    cp -a "$work/clean/." "$work/$1"
    cp packaging/tests/inside/* "$work/$1/root/"
    echo "$work/$1"
}

# Runs a command with a loopback of its own. Whatever it leaves running ends with it.
isolated() {
    unshare --net --mount --mount-proc --pid --fork --kill-child sh -c 'ip link set lo up && exec "$@"' sh "$@"
}

# Runs a command in a root.
in_root() {
    root_=$1
    shift
    isolated sh -c 'root=$1; shift; mount -t proc proc "$root/proc"; exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 "$@"' \
        sh "$root_" "$@"
}

# Lists the files in a root, and the folders of this program, without what the package leaves by intention, and what managing packages changes.
listing() {
    (cd "$1" && find . -xdev \( -path ./proc -o -path ./root -o -path ./run -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./var/lib/rpm -o -path ./var/log -o -path ./var/cache \
        -o -path ./etc/patroni_barman -o -path ./var/lib/patroni_barman -o -path ./var/lib/patroni_barman_agent -o -path ./tmp \) -prune -o \( -type d ! -name '*patroni*' \) -o -print) | LC_ALL=C sort
}

# Prints the commands of a section of docs/install.md, for this version.
documented() {
    awk -v heading="## $1" '/^## / { on = ($0 == heading) } /^```/ { code = on && ($0 == "```sh"); next } code { print }' docs/install.md |
        sed "s/0\\.1\\.0/$version/g; s/_amd64/_$(dpkg --print-architecture)/; s/x86_64/$(uname -m)/"
}

# Runs the commands of a section in a root, in the folder that has the packages.
follow() {
    cp "$packages"/* "$1/root/"
    documented "$2" > "$1/root/commands"
    [ -s "$1/root/commands" ] || fail "docs/install.md has no commands under $2"
    in_root "$1" sh -exc 'cd /root; . ./commands' sh 2> "$work/said" || { cat "$work/said" >&2; fail "the commands under $2 do not work"; }
}
