# A root that rpm manages, with a package that has a program of the same name, as those of PGDG and Percona do.
need rpm rpm
root=$(new_root rpm)
cat > "$work/base.spec" <<'SPEC'
Name: base
Version: 1
Release: 1
Summary: What a distribution has
License: none
BuildArch: noarch
Provides: /bin/sh
Provides: /usr/sbin/useradd
%description
%files
SPEC
cat > "$work/patroni.spec" <<'SPEC'
Name: patroni
Version: 4.1.5
Release: 1
Summary: What Patroni has
License: none
BuildArch: noarch
%description
%install
mkdir -p %{buildroot}/usr/bin
printf '#!/bin/sh\necho python\n' > %{buildroot}/usr/bin/patroni_barman
chmod 755 %{buildroot}/usr/bin/patroni_barman
%files
/usr/bin/patroni_barman
SPEC
for name in base patroni; do
    rpmbuild -bb --quiet --define "_topdir $work/rpmbuild" --define "_rpmdir $work" --define '_build_name_fmt %%{NAME}.rpm' "$work/$name.spec"
done
RELEASE=2 PACKAGES=$work/next packaging/build rpm >/dev/null 2>&1

manage() { rpm --force-debian --root "$root" --dbpath /var/lib/rpm "$@"; }
manage --initdb
manage --install "$work/base.rpm" "$work/patroni.rpm"
before=$(listing "$root")
# The root has no rpm of its own: the documented command, from outside.
documented "RHEL, Fedora and SUSE" > "$work/commands"
grep -q '^rpm --upgrade --verbose --hash patroni-barman-' "$work/commands" || fail "docs/install.md has no command for rpm"
(cd "$packages" && manage $(sed -n 's/^rpm //p' "$work/commands")) >/dev/null
is "$(manage --query patroni-barman --queryformat '%{version}-%{release}')" "$version-1" "the package"
is "$(manage --verify patroni-barman patroni)" "" "the files of both packages"
is "$(in_root "$root" patroni_barman)" python "the other program"
for file in /usr/share/man/man1/patroni_barman-run.1.gz /usr/share/bash-completion/completions/patroni_barman \
    /usr/share/zsh/site-functions/_patroni_barman /usr/share/licenses/patroni-barman/LICENSE; do
    [ -e "$root$file" ] || fail "$file is not in the package"
done
in_root "$root" bash /root/quick-start
# the link, for typing
sed '/^rpm /d' "$work/commands" > "$root/root/commands"
in_root "$root" sh -e /root/commands >/dev/null
is "$(in_root "$root" patroni_barman --version | cut -d' ' -f 1-2)" "patroni_barman $version" "the link"
rm "$root/usr/local/bin/patroni_barman"
in_root "$root" systemd-analyze verify --man=no patroni_barman-reconcile.service patroni_barman-reconcile.timer patroni_barman-agent.service

in_root "$root" systemctl enable --quiet patroni_barman-reconcile.timer patroni_barman-agent.service

# an operator's change outlives an upgrade and a removal
echo '# mine' >> "$root/etc/patroni_barman/rules.yml"
manage --upgrade "$work"/next/patroni-barman-"$version"-2.*.rpm
is "$(manage --query patroni-barman --queryformat '%{version}-%{release}')" "$version-2" "the upgraded package"
is "$(tail -n 1 "$root/etc/patroni_barman/rules.yml")" "# mine" "the configuration after the upgrade"
manage --erase patroni-barman
is "$(tail -n 1 "$root/etc/patroni_barman/rules.yml.rpmsave")" "# mine" "the configuration after the removal"
[ -e "$root/var/lib/patroni_barman/state.db" ] || fail "the removal took the state"
is "$(manage --verify patroni)" "" "the other package after the removal"
printf '%s\n' "$before" > "$work/before"
listing "$root" | diff "$work/before" - || fail "the removal left something, or took too much"
