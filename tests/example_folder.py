"""The example host as a folder: the files that its kernel and its logind would show, read as a real root is read."""

from pathlib import Path

from tests import example
from tests.hosts import HostFolder

_SAME_NAME = ("ppid", "ses", "loginuid", "cgroup", "cmdline", "start", "tty_nr", "sockets", "children")


def example_folder(root: Path) -> str:
    """Write the example host below a folder and return the folder's name, for ``logonscope.connect``."""
    folder = HostFolder(root)
    folder.end(1)  # the example has its own
    folder.write("proc/stat", f"cpu  1 2 3 4\nintr 5\nctxt 6\nbtime {example.BTIME}\nprocesses 7\n")
    folder.write("proc/sys/kernel/hostname", f"{example.MACHINE.hostname}\n")
    folder.write("proc/sys/kernel/osrelease", f"{example.MACHINE.kernel}\n")
    folder.write("proc/sys/kernel/random/boot_id", f"{example.MACHINE.boot_id}\n")
    folder.write("etc/machine-id", f"{example.MACHINE.machine_id}\n")
    folder.write("etc/os-release", f'PRETTY_NAME="{example.MACHINE.system}"\n')
    folder.account("postgres", 110)
    for process in example.PROCESSES:
        facts = process._asdict()
        folder.process(facts["pid"], facts["comm"], uid=facts["uids"], **{name: facts[name] for name in _SAME_NAME})
    for login in example.LOGINS:
        if login.cls == "manager":
            folder.user_manager(login.uid, login.leader)
            folder.write(
                f"run/systemd/users/{login.uid}", f"NAME={login.user}\nSTATE={login.state}\nREALTIME={login.since}\n"
            )
            continue
        folder.login(
            login.id, uid=login.uid, leader=login.leader, audit=login.audit, realtime=login.since, user=login.user,
            **{"class": login.cls}, type=login.type, service=login.service, remote=int(bool(login.remote)),
            remote_host=login.remote_host, state=login.state,
        )  # fmt: skip
    folder.listener(example.SOCKETS[0].port, example.SOCKETS[0].inode)
    return str(folder.root)
