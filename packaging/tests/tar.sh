# The archive on a machine without a package manager for it.
root=$(new_root tar)
before=$(listing "$root")
follow "$root" Download >/dev/null
follow "$root" "Other distributions"
folder=/root/patroni_barman-$version-$(uname -m)-linux
in_root "$root" bash /root/quick-start
in_root "$root" systemd-analyze verify --man=no patroni_barman-reconcile.service patroni_barman-reconcile.timer patroni_barman-agent.service
echo '# mine' >> "$root/etc/patroni_barman/rules.yml"
in_root "$root" "$folder/install"
is "$(tail -n 1 "$root/etc/patroni_barman/rules.yml")" "# mine" "the configuration after the upgrade"
in_root "$root" "$folder/install" --uninstall
[ -e "$root/etc/patroni_barman/rules.yml" ] || fail "the removal took the configuration"
follow "$root" Uninstall
in_root "$root" getent passwd patroni_barman && fail "the user is still there"
rm "$root/etc/logrotate.d/patroni-barman"
printf '%s\n' "$before" > "$work/before"
listing "$root" | diff "$work/before" - || fail "the removal left something, or took too much"
