# The linters and Ansible, from the Python package index, once per checkout.
tools=$PWD/target/tools
if [ ! -e "$tools/ok" ]; then
    /usr/bin/python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.19.14 ansible-lint==26.10.1 zizmor==1.32.0 check-jsonschema==0.39.0 pre-commit==4.5.0
    touch "$tools/ok"
fi
