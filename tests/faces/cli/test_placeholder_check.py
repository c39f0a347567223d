"""faces/cli/placeholder_check.py: where a command may have values."""

import shlex

import pytest

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.placeholder_check import check_placeholders, variable_name

NAMES = ("event", "user", "pid", "name")


def check(text: str) -> None:
    check_placeholders(shlex.split(text), NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{name} x", "a value cannot be the program"),
        ("./{name}", "a value cannot be the program"),
        *((text, "a value cannot be the program") for text in (
            "sudo {name}", "sudo -nu bob -- {name}", "nohup {name}", "timeout -k 1 5 {name}",
            "env X=1 nice -n 5 {name}", "sudo -ubob {name}", "runuser -u {user} -- {name}",
        )),
        ("echo {usr}", "unknown value '{usr}'; the values are event, user, pid, name"),
        ("sh -c 'echo {user}'", 'cannot put the value {user} into a script: it could be run; use "$LOGONSCOPE_EVENT_U'),
        ("sudo -u bob sh -ec 'echo {event}'", 'use "$LOGONSCOPE_EVENT" in it'),
        ("ssh web1 notify {user}", "cannot pass the value {user} to ssh"),
        ("timeout 5 scp f web1:/logs/{user}", "cannot pass the value {user} to scp"),
        ("rsync f web1:/logs/{user}", "cannot pass the value {user} to rsync"),
        ("wall -n {user}", "cannot pass the value {user} to wall: it could be the name of a file; put words before it"),
        ("curl --data-urlencode 'x {user}' http://x", "could be the name of a file; write NAME={user}"),
        *((text, "into a script") for text in (
            "/bin/bash -lc 'echo {user}'", "env X=1 python3 -c 'print({pid})'", "perl -e '{user}'", "sh {user}",
            "su - bob -c 'echo {user}'", "sh -c -- 'echo {user}'", "bash -o errexit -c 'echo {user}'", "sh -c {user}",
            "perl -E 'say {user}'", "perl -I lib -nE {user} x", "python3 -c'print({user})'", "python3 --x={user} y",
            "env python3.11 -c 'print({user})'", "env -S 'sh -c {user}'", "env -u X -S {user}", "env TZ={user} date",
            "awk 'BEGIN{print \"{user}\"}'", "sed s/x/{user}/ f", "sudo su - {user}", "sh -c true --eval={user}",
            "find / -name {user}", "find . -name x -exec sh -c 'echo {user}' x", "flock /tmp/l -c 'echo {user}'",
            "env X=1 sh -c true sh 'a {user}'", "sudo -c x sh {user}", "sh -c true python -c 'print({user})'",
            "make -C hooks notify USER={user}", "watch -g logger {user}", "parallel logger {user} ::: 1",
            "/usr/bin/script {user}",
            "sg adm {user}", "sqlite3 db {user}", "tmux display-message '{user} logged in'", "perl -ne print {user}",
            "rbash -c 'echo {user}'", "pwsh -c 'echo {user}'", "jq -n '{u: \"{user}\"}'", "x logger sh -c {user}",
            "sudo -ubob sh -c 'echo {user}'", "env --split-string='sh -c {user}'", "runuser bob -c 'echo {user}'",
            "sudo -u logger sh -c {user}", "jq -n --arg x y {user}", "awk -v u=x 'BEGIN { print {user} }'",
        )),
    ],
)  # fmt: skip
def test_what_is_rejected(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        check(text)
    assert message in f"{caught.value.message}; {caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "logger -t env -- {user}", "logger -t ssh {user}", "sudo -u bob logger -t watch 'login of {user}'",
        "notify-send {user} 'logged in'", "curl http://x/python -d user={user}", "mail -s 'login {user}' root",
        "curl --data-urlencode user={user} http://x", "wall '{user} logged in' x", "wall 'login: {user}'",
        "systemd-cat -t ssh echo 'login {user}'", "jq -n --arg u 'x {user}' '{u: $u}'", "sudo -u {user} notify-send hi",
        "awk -v u={user} 'BEGIN { print u }'", "psql -v u={user} -f x.sql", "env LANG=C logger 'login of {user}'",
        "runuser -u {user} -- notify-send 'hi {user}'", "python3 notify.py {user} {pid}", "python3 -m notify {user}",
        "timeout -k 1 5 curl -d user={user} http://x", "flock /tmp/l logger {user}", "notify http://x/bash {user}",
        "docker exec box logger {user}", "sh -c 'echo $1' sh {user}", "sudo -l", "env", "/opt/hooks/script {user}",
    ],
)  # fmt: skip
def test_what_is_accepted(text: str) -> None:
    check(text)


def test_names_may_be_unknown() -> None:
    check_placeholders(["echo", "{TargetInstance_Name}"], None)


def test_variable_names() -> None:
    assert variable_name("event") == "LOGONSCOPE_EVENT"
    assert variable_name("remote_address") == "LOGONSCOPE_EVENT_REMOTE_ADDRESS"
