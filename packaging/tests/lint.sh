need lintian lintian
need rpmlint rpmlint
need shellcheck shellcheck
lintian --allow-root --fail-on error --tag-display-limit 0 "$packages"/patroni-barman_"$version"-1_*.deb || fail "lintian finds errors"
rpmlint --config packaging/rpm/rpmlint.toml "$packages"/patroni-barman-"$version"-1.*.rpm || fail "rpmlint finds errors"
shellcheck --exclude=SC1090,SC1091,SC2016,SC2034 packaging/build packaging/ci packaging/test packaging/install packaging/released packaging/hook packaging/deb/p* \
    || fail "shellcheck finds something"
shellcheck --shell=sh --exclude=SC1091,SC2016,SC2034,SC2154 packaging/tests/*.sh || fail "shellcheck finds something"
shellcheck packaging/tests/inside/* .ci/run .github/in-container || fail "shellcheck finds something"
