# The role, in a clean root and from there: as callbacks with the Debian package, and as the agent with the archive.
. packaging/tests/tools.sh
(cd packaging/ansible && PATH=$tools/bin:$PATH ansible-lint --offline --nocolor --profile production --project-dir . example.yml patroni_barman) ||
    fail "ansible-lint finds something"

# Plays a playbook and prints the number of changed tasks.
play() {
    in_root "$root" sh -c "cd /root/ansible && ANSIBLE_ROLES_PATH=. ANSIBLE_NOCOLOR=1 $tools/bin/ansible-playbook -i localhost, -c local -e ansible_python_interpreter=/usr/bin/python3 $1" \
        > "$work/play" 2>&1 || { cat "$work/play" >&2; return 1; }
    sed -n 's/.* changed=\([0-9]*\) .*failed=0.*/\1/p' "$work/play"
}

for mode in callbacks agent; do
    root=$(new_root "ansible-$mode")
    mkdir -p "$root$tools" "$root/etc/patroni"
    cp -a "$tools/." "$root$tools"
    cp -a packaging/ansible "$root/root/ansible"
    cp "$packages"/patroni-barman_"$version"-1_*.deb "$packages"/patroni_barman-"$version"-*-linux.tar.gz "$root/root/ansible/"
    cp rules/follow-the-primary.yml "$root/root/ansible/rules.yml"
    echo secret > "$root/root/ansible/token"
    if [ "$mode" = callbacks ]; then package=$(basename "$packages"/patroni-barman_*.deb); else package=$(basename "$packages"/patroni_barman-*.tar.gz); fi
    sum=$(sed -n "s/  $package\$//p" "$packages/SHA256SUMS")
    cat > "$root/root/ansible/play.yml" <<PLAY
- hosts: all
  roles:
    - role: patroni_barman
      vars:
        patroni_barman_mode: $mode
        patroni_barman_package: /root/ansible/$package
        patroni_barman_checksum: sha256:$sum
        patroni_barman_rules:
          version: 1
          api: {url: "http://127.0.0.1:7480"}
          clusters:
            main: {patroni: ["http://127.0.0.1:8008"]}
          rules:
            - name: follow-the-primary
              "on": [on_role_change, on_start]
              role: primary
              request:
                type: config_switch
                server: !unsafe "{{ cluster }}"
                model_name: !unsafe "{{ cluster }}:{{ node }}"
        patroni_barman_files:
          - {src: /root/ansible/token, dest: /etc/patroni_barman/tls/token}
PLAY
    # the callbacks' rules come from a file
    if [ "$mode" = callbacks ]; then
        sed -i '/patroni_barman_rules:/,/model_name/d; s#^ *patroni_barman_checksum#        patroni_barman_rules_file: /root/ansible/rules.yml\n&#' \
            "$root/root/ansible/play.yml"
    fi
    changed=$(play play.yml) || fail "the role failed as $mode"
    [ "$changed" -gt 3 ] || { cat "$work/play"; fail "the role changed $changed things as $mode"; }
    if [ "$mode" = callbacks ]; then
        grep -q 'Add this, then' "$work/play" || fail "the role did not tell what to add to patroni.yml"
        echo 'postgresql: {callbacks: {on_role_change: /usr/libexec/patroni_barman run}}' > "$root/etc/patroni/config.yml"
    fi
    is "$(play play.yml)" 0 "changes of the second run as $mode"
    if grep -q 'Add this, then' "$work/play"; then fail "the role did not see the callbacks"; fi
    in_root "$root" /usr/libexec/patroni_barman check /etc/patroni_barman/rules.yml || fail "the rules have findings"
    if [ "$mode" = callbacks ]; then owner=postgres unit=patroni_barman-reconcile.timer; else owner=patroni_barman unit=patroni_barman-agent.service; fi
    is "$(in_root "$root" stat -c '%U %a' /etc/patroni_barman/tls/token)" "$owner 400" "the file that the rules name"
    is "$(in_root "$root" systemctl is-enabled "$unit")" enabled "$unit"
    in_root "$root" systemd-analyze verify --man=no "$unit" || fail "$unit is not valid"

    # rules with a mistake, and a package that is another one, change nothing
    before=$(sha256sum "$root/etc/patroni_barman/rules.yml")
    echo 'version: 2' > "$root/root/ansible/broken.yml"
    sed 's#sha256:.*#sha256:0000#' "$root/root/ansible/play.yml" > "$root/root/ansible/other.yml"
    for wrong in "-e '{\"patroni_barman_rules\": {}, \"patroni_barman_rules_file\": \"/root/ansible/broken.yml\"}' play.yml" other.yml; do
        if play "$wrong" >/dev/null 2>&1; then fail "\`$wrong\` was played"; fi
    done
    is "$(sha256sum "$root/etc/patroni_barman/rules.yml")" "$before" "the rules after mistakes"
done
