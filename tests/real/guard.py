"""Starts the programs of the real stack, and ends them, whatever becomes of the tests.

usage: guard.py FOLDER

One JSON request a line on standard input, one JSON answer a line on standard output. When standard
input ends, because the tests are done or because they were killed, everything that was ever started
here is killed and FOLDER is removed.

PostgreSQL and Barman's WAL receiver detach themselves from whoever starts them. This process is
the subreaper of all of them: an orphan becomes its child, so the tree below it is complete at any time.
"""
import ctypes
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


class Guard:
    def __init__(self, folder):
        self.folder = folder
        self.started = {}
        self.exits = {}
        self.users = set()
        self.sudos = set()

    def become(self, user, argv, env):
        """The command line and the options of Popen that run `argv` as `user`."""
        if user is None:
            return argv, {"env": {**os.environ, **env}}
        account = pwd.getpwnam(user)
        env = {"HOME": account.pw_dir, "USER": user, "LOGNAME": user, "LANG": "C.UTF-8",
               "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **env}
        if os.geteuid() == 0:
            groups = os.getgrouplist(user, account.pw_gid)
            return argv, {"env": env, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups}
        self.users.add(user)
        words = ["%s=%s" % item for item in env.items()]
        return ["sudo", "-n", "-u", user, "--", "env", "-i", *words, *argv], {"env": dict(os.environ)}

    def start(self, argv, log, user=None, env=None, cwd="/"):
        argv, options = self.become(user, argv, env or {})
        with open(log, "ab") as output:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd,
                                       start_new_session=True, **options)
        self.started[process.pid] = process
        if argv[0] == "sudo":
            self.sudos.add(process.pid)
        return {"pid": process.pid}

    def status(self, pid):
        self.reap()
        return {"exit": self.exits.get(pid)}

    def end(self, pid, name="KILL"):
        """Signals `pid` and, for a kill, everything below it."""
        below = self.below(pid)
        if name == "KILL":
            pids = [pid] + below
        elif pid in self.sudos:
            # sudo belongs to root; what it runs is its first descendant
            pids = below[:1]
        else:
            pids = [pid]
        # stopped first, so that nothing is started while the rest is being killed
        for each in pids if name == "KILL" else []:
            self.signal(each, "STOP")
        for each in pids:
            self.signal(each, name)
        return {}

    def tree(self, pid):
        return {"pids": [pid] + self.below(pid)}

    def signal(self, pid, name):
        try:
            os.kill(pid, getattr(signal, "SIG" + name))
        except ProcessLookupError:
            pass
        except PermissionError:
            for user in self.users:
                subprocess.run(["sudo", "-n", "-u", user, "--", "kill", "-" + name, str(pid)],
                               stderr=subprocess.DEVNULL, check=False)

    @staticmethod
    def below(pid):
        """All living descendants of `pid`, parents before children."""
        children = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as stat:
                    state, parent = stat.read().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state not in "ZX":
                children.setdefault(int(parent), []).append(int(entry))
        found = list(children.get(pid, []))
        for each in found:
            found.extend(children.get(each, []))
        return found

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.started:
                self.exits[pid] = os.waitstatus_to_exitcode(status)

    def finish(self):
        while self.below(os.getpid()):
            for pid in self.below(os.getpid()):
                self.signal(pid, "KILL")
            self.reap()
            time.sleep(0.02)
        # this user's files first: they stand in folders of the others, which have to be empty
        shutil.rmtree(self.folder, ignore_errors=True)
        for user in self.users:
            subprocess.run(["sudo", "-n", "-u", user, "--", "find", self.folder, "-user", user, "-delete"],
                           stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def serve(self):
        wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        pending = b""
        while True:
            ready, _, _ = select.select([0, wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                self.reap()
            if 0 not in ready:
                continue
            data = os.read(0, 65536)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                try:
                    answer = getattr(self, request.pop("do"))(**request)
                except (OSError, KeyError) as error:
                    answer = {"error": str(error)}
                os.write(1, json.dumps(answer).encode() + b"\n")


def main():
    # a Ctrl-C or a hang-up is meant for the tests; their end is what ends this
    # (handlers, not SIG_IGN: what is started here would inherit that)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda *_: None)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("cannot become a subreaper")
    guard = Guard(sys.argv[1])
    try:
        guard.serve()
    except OSError:
        # nobody reads the answers any more: the tests are gone
        pass
    finally:
        guard.finish()


main()
