# Debian 12 with a package that has a program of the same name, as the package of Patroni does.
root=$(new_root deb)
other=$work/other
mkdir -p "$other/DEBIAN" "$other/usr/bin"
printf 'Package: patroni\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: a test\n' > "$other/DEBIAN/control"
printf '#!/bin/sh\necho python\n' > "$other/usr/bin/patroni_barman"
chmod 755 "$other/usr/bin/patroni_barman"
dpkg-deb --build --root-owner-group "$other" "$root/root/patroni.deb" >/dev/null
RELEASE=2 PACKAGES=$work/next packaging/build deb >/dev/null
cp "$work"/next/patroni-barman_"$version"-2_*.deb "$root/root/next.deb"

in_root "$root" dpkg --install /root/patroni.deb >/dev/null
before=$(listing "$root")
printf 'APT::Get::Assume-Yes "true";\nDpkg::Use-Pty "0";\nDpkg::Options { "--force-confold"; };\n' > "$root/etc/apt/apt.conf.d/99-test"
follow "$root" Download >/dev/null
follow "$root" "Debian and Ubuntu" >/dev/null
is "$(in_root "$root" dpkg-query -W -f '${db:Status-Status} ${Version}' patroni-barman)" "installed $version-1" "the package"
is "$(in_root "$root" /usr/bin/patroni_barman.python)" python "the other program, moved aside"
is "$(in_root "$root" patroni_barman --version | cut -d' ' -f 1-2)" "patroni_barman $version" "the program"
is "$(in_root "$root" dpkg --verify patroni-barman)" "" "the files of the package"
for file in /usr/share/man/man1/patroni_barman-run.1.gz /usr/share/patroni_barman/schemas/rules.schema.json \
    /usr/share/bash-completion/completions/patroni_barman /usr/share/zsh/vendor-completions/_patroni_barman \
    /usr/share/fish/vendor_completions.d/patroni_barman.fish /usr/share/patroni_barman/monitoring/alerts.yml \
    /usr/share/patroni_barman/proxy/nginx.conf /usr/share/patroni_barman/ansible/patroni_barman/tasks/main.yml /etc/logrotate.d/patroni-barman; do
    [ -e "$root$file" ] || fail "$file is not in the package"
done
in_root "$root" bash /root/quick-start

# the units, where they are installed
in_root "$root" systemd-analyze verify --man=no patroni_barman-reconcile.service patroni_barman-reconcile.timer patroni_barman-agent.service ||
    fail "the units are not valid"
for unit in patroni_barman-reconcile.service patroni_barman-agent.service; do
    in_root "$root" systemd-analyze security --offline=yes --no-pager --threshold=20 "$unit" > "$work/security" ||
        { cat "$work/security"; fail "$unit is exposed"; }
    tail -n 1 "$work/security"
done
in_root "$root" systemd-sysusers --dry-run /usr/lib/sysusers.d/patroni_barman.conf
follow "$root" "What is installed"

in_root "$root" systemctl enable --quiet patroni_barman-reconcile.timer patroni_barman-agent.service

# an operator's change outlives an upgrade and a removal
echo '# mine' >> "$root/etc/patroni_barman/rules.yml"
in_root "$root" apt-get install -q /root/next.deb >/dev/null
is "$(in_root "$root" dpkg-query -W -f '${Version}' patroni-barman)" "$version-2" "the upgraded package"
is "$(tail -n 1 "$root/etc/patroni_barman/rules.yml")" "# mine" "the configuration after the upgrade"
is "$(in_root "$root" /usr/bin/patroni_barman.python)" python "the other program after the upgrade"
# Patroni is upgraded meanwhile: its program stays aside
in_root "$root" dpkg --install /root/patroni.deb >/dev/null
is "$(in_root "$root" patroni_barman --version | cut -d' ' -f 1)" patroni_barman "the program after an upgrade of the other package"
in_root "$root" apt-get remove -q patroni-barman >/dev/null
[ -e "$root/etc/patroni_barman/rules.yml" ] || fail "the removal took the configuration"
[ -e "$root/var/lib/patroni_barman/state.db" ] || fail "the removal took the state"
is "$(in_root "$root" patroni_barman)" python "the other program, put back"
in_root "$root" apt purge patroni-barman >/dev/null 2>&1
for left in /etc/patroni_barman /var/lib/patroni_barman /var/lib/patroni_barman_agent /var/log/patroni_barman; do
    [ ! -e "$root$left" ] || fail "the purge left $left"
done
printf '%s\n' "$before" > "$work/before"
listing "$root" | diff "$work/before" - || fail "the purge left something, or took too much"
