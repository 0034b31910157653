# The image in an OCI runtime, as its own configuration says: without root, and with a root that cannot be written to.
need buildah buildah
need runc runc
need python3 python3
archive=$(echo "$packages"/patroni_barman-"$version"-*-oci.tar)
bundle=$work/bundle
mkdir -p "$bundle/rootfs" "$bundle/rules" "$bundle/state"
storage="--root $work/containers --runroot $work/containers-run --storage-driver vfs"
# shellcheck disable=SC2086 # several words
container=$(buildah $storage from "oci-archive:$archive" 2>/dev/null)
# shellcheck disable=SC2086
cp -a "$(buildah $storage mount "$container")/." "$bundle/rootfs/"
# shellcheck disable=SC2086
buildah $storage inspect "$container" > "$work/config.json"
# shellcheck disable=SC2086
buildah $storage rm "$container" >/dev/null

python3 - "$work/config.json" <<'PY'
import json, sys
config = json.load(open(sys.argv[1]))["OCIv1"]["config"]
wanted = {"User": "65532:65532", "Entrypoint": ["/usr/libexec/patroni_barman"], "Cmd": ["agent"], "Volumes": {"/var/lib/patroni_barman": {}}}
got = {key: config.get(key) for key in wanted}
assert got == wanted, got
PY
files=$(cd "$bundle/rootfs" && find . -type f | LC_ALL=C sort | tr '\n' ' ')
is "$files" "./etc/group ./etc/passwd ./etc/ssl/certs/ca-certificates.crt ./usr/libexec/patroni_barman " "the files of the image"
grep -q 'BEGIN CERTIFICATE' "$bundle/rootfs/etc/ssl/certs/ca-certificates.crt" || fail "the image has no authorities"

# Runs the image with these arguments: rules and state are mounted, nothing else can be written to.
(cd "$bundle" && runc spec)
mv "$bundle/config.json" "$work/spec.json"
cat > "$work/configure" <<'PY'
import json, sys
work, bundle, *arguments = sys.argv[1:]
image = json.load(open(f"{work}/config.json"))["OCIv1"]["config"]
spec = json.load(open(f"{work}/spec.json"))
process = spec["process"]
process["args"] = image["Entrypoint"] + (arguments or image["Cmd"])
process["env"] = image["Env"]
process["user"] = dict(zip(("uid", "gid"), map(int, image["User"].split(":"))))
process["capabilities"] = {}
process["terminal"] = False
process.pop("rlimits", None)
assert spec["root"]["readonly"] and process["noNewPrivileges"]
# the limits of this machine's control groups are not the image's affair
spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "cgroup"]
spec["linux"]["resources"] = {}
# the loopback of the test
spec["linux"]["namespaces"] = [space for space in spec["linux"]["namespaces"] if space["type"] not in ("cgroup", "network")]
for name, path, options in (("rules", "/etc/patroni_barman", ["bind", "ro"]), ("state", "/var/lib/patroni_barman", ["bind", "rw"])):
    spec["mounts"].append({"destination": path, "type": "bind", "source": f"{bundle}/{name}", "options": options})
json.dump(spec, open(f"{bundle}/config.json", "w"))
PY
chown 65532:65532 "$bundle/state"
cat > "$bundle/rules/rules.yml" <<'RULES'
version: 1
api: {url: "http://127.0.0.1:7480"}
clusters:
  main: {patroni: ["http://127.0.0.1:8008"]}
rules:
  - name: follow-the-primary
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_switch, server: "{{ cluster }}", model_name: "{{ cluster }}:{{ node }}"}
    verify: streaming
RULES
cat > "$work/use-image" <<'SH'
set -eu
work=$1 bundle=$2 program=$3
image() { python3 "$work/configure" "$work" "$bundle" "$@" && runc --root "$work/runc" run --bundle "$bundle" "image-$$"; }
"$program" simulate --server main --model main:n1 --model main:n2 --active main=main:n2 --operation-time 100ms \
    --patroni 127.0.0.1:8008,127.0.0.1:8009 > "$work/served" &
until grep -q ^listening "$work/served"; do kill -0 $!; sleep 0.05; done
image --version
image check /etc/patroni_barman/rules.yml
# Barman is at another member than the leader: the agent switches it
image agent --once
grep -q '"model_name":"main:n1"' "$work/served"
# and as it is started without a command: until it is told to end
python3 "$work/configure" "$work" "$bundle"
runc --root "$work/runc" run --detach --pid-file "$work/pid" --bundle "$bundle" agent < /dev/null > "$work/agent.log" 2>&1
until [ -e "$bundle/state/state.db" ] && grep -q main "$work/agent.log"; do kill -0 "$(cat "$work/pid")"; sleep 0.05; done
runc --root "$work/runc" kill agent TERM
while kill -0 "$(cat "$work/pid")" 2>/dev/null; do sleep 0.05; done
runc --root "$work/runc" delete --force agent
SH
isolated sh "$work/use-image" "$work" "$bundle" "$bundle/rootfs/usr/libexec/patroni_barman" || { cat "$work/agent.log" >&2; fail "the image does not work"; }
is "$(stat -c %u "$bundle/state/state.db")" 65532 "the owner of the state"
