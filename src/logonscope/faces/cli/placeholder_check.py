"""Check of the places where the command of ``watch --exec`` has placeholders.

A value is not the program, nor a part of a script or of a command for another machine. Programs that run their
arguments are known by name, so the check cannot be complete.
"""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from logonscope.errors import InvalidParameterError

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

PREFIX = "LOGONSCOPE_EVENT"
"""The name of the variable for the kind of event; the names of the others begin with it and an underscore."""

_WRAPPERS = {
    "doas": "-C -u",
    "env": "-C -u --chdir --unset",
    "ionice": "-c -n --class --classdata",
    "nice": "-n --adjustment",
    "nohup": "",
    "run0": "-D -g -u --chdir --group --nice --unit --user",
    "runuser": "-G -g -u -w --group --user",
    "setsid": "",
    "stdbuf": "-e -i -o --error --input --output",
    "sudo": "-C -D -R -T -U -g -h -p -r -t -u --chdir --group --host --prompt --user",
    "systemd-cat": "-p -t --identifier --priority",
    "timeout": "-k -s --kill-after --signal",
}
"""Programs that run the program after their options, with the options that take the next word."""

_PLAIN_PROGRAMS = frozenset({
    "apprise", "busctl", "cat", "curl", "echo", "fail2ban-client", "firewall-cmd", "http", "https", "ip6tables",
    "ipset", "iptables", "journalctl", "kill", "killall", "logger", "loginctl", "mail", "mailx", "mosquitto_pub",
    "msmtp", "notify-send", "ntfy", "passwd", "pkill", "printf", "sendmail", "systemctl", "tee", "touch", "true",
    "usermod", "wall", "wget", "write", "zenity",
})  # fmt: skip
"""Programs that run none of their arguments, so that ``ssh`` may be a word such as a tag."""

_INTERPRETERS = frozenset({
    "ash", "awk", "bash", "bun", "busybox", "clickhouse", "clickhouse-client", "csh", "dash", "deno", "duckdb",
    "elixir", "elvish", "emacs", "emacsclient", "env", "ex", "expect", "find", "fish", "flock", "gawk", "gdb",
    "gnuplot", "groovy", "guile", "ipython", "jq", "jruby", "julia", "ksh", "lksh", "lldb", "lua", "luajit",
    "mariadb", "mawk", "mksh", "mongo", "mongosh", "mycli", "mysql", "mysqlsh", "nawk", "node", "nodejs", "nu",
    "nvim", "octave", "oksh", "original-awk", "perl", "pgcli", "php", "posh", "psql", "pwsh", "pypy", "python", "r",
    "rbash", "rksh", "rscript", "ruby", "runuser", "script", "sed", "sh", "su", "tclsh", "tcsh", "toybox", "vi",
    "view", "vim", "wish", "xonsh", "xterm", "yash", "yq", "zsh",
})  # fmt: skip
"""Programs that run a part of their arguments as a script or command, in lower case and without a version."""

_ALWAYS_SCRIPTS = frozenset({"at", "make", "gmake", "parallel", "screen", "sg", "sqlite", "tmux", "watch"})
"""Programs that can run each of their arguments: as a command of a shell, as SQL, or ``$(...)`` or ``#(...)``."""

_REMOTE_SHELLS = frozenset({
    "autossh", "dbclient", "mosh", "parallel-ssh", "pdsh", "plink", "pssh", "remsh", "rsh", "rsync", "scp",
    "slogin", "ssh",
})  # fmt: skip
"""Programs that pass their words, or names of files, to a shell of another machine."""

_SHELLS = frozenset({"ash", "bash", "dash", "ksh", "mksh", "rbash", "sh", "zsh"})

_VALUE_OPTIONS = {
    **{awk: {"-v": 1, "--assign": 1} for awk in ("awk", "gawk", "mawk", "nawk", "original-awk")},
    "psql": {"-v": 1, "--set": 1, "--variable": 1},
    "jq": {"--arg": 2, "--argjson": 2},
}
"""Options of interpreters that set a variable of the script to a value, with the number of their words."""

_COMMON_WORDS = frozenset({"at", "r", "script", "view", "watch"})
"""Names of such programs that an administrator's own program may have, too, in another folder than these."""

_SYSTEM_FOLDERS = frozenset({"/bin", "/usr/bin", "/usr/local/bin"})

_VERSION = re.compile(r"(-dbg)?[-.0-9]*$")

_SCRIPT_OPTION = re.compile(r"-[A-Za-z]*[cCeEpPrRSxX]|--?(command|eval|exec|execute|expr|print|run|session-command)")
"""The options of these programs whose value is a script."""

_FILE_OPTION = re.compile(r"-[A-Za-z]*[np][A-Za-z]*")
"""The options of perl with which it opens its arguments: a name that ends in | is a command then."""

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:=@%+,-]*")
"""The text beside the placeholders of a word that is no script."""


def check_placeholders(words: Sequence[str], names: Sequence[str] | None) -> None:
    """Check the placeholders of a command.

    Raises:
        InvalidParameterError: a placeholder is the program, in a script or in an argument of ssh, or is unknown.
    """
    start = 0
    for start in _program_positions(words):
        if PLACEHOLDER.search(words[start]):
            raise InvalidParameterError(f"cannot run {words[start]!r}: a value cannot be the program", "give a program")
    program, arguments = _program_name(words[start]), words[start + 1 :]
    if program in _PLAIN_PROGRAMS:
        _check_file_arguments(program, arguments)
    else:
        _check_programs(words[start:])
    for word in words:
        for name in PLACEHOLDER.findall(word):
            if names is not None and name not in names:
                raise InvalidParameterError(f"unknown value '{{{name}}}'", f"the values are {', '.join(names)}")


def variable_name(name: str) -> str:
    """Return the environment variable of a value."""
    return PREFIX if name.lower() == "event" else f"{PREFIX}_{name.upper()}"


def _program_name(word: str) -> str:
    folder, name = os.path.split(word.lower())
    name = _VERSION.sub("", name)
    return "" if name in _COMMON_WORDS and folder and folder not in _SYSTEM_FOLDERS else name


def _program_positions(words: Sequence[str]) -> Iterator[int]:
    """Yield the position of the program, and those of the programs that it runs, as in sudo env X=1 logger."""
    position = 0
    while position < len(words):
        yield position
        program = _program_name(words[position])
        options = _WRAPPERS.get(program)
        if options is None:
            return
        end = _end_of_options(words, position + 1, options.split())
        if program == "env":
            while end < len(words) and "=" in words[end]:
                end += 1
        own_words = words[position + 1 : end]
        is_script = program == "env" and any(PLACEHOLDER.search(word) or word[:2] == "-S" for word in own_words)
        # with a user as its first word, runuser runs a shell
        is_shell = program == "runuser" and not any(re.match("-u|--user", word) for word in own_words)
        if is_script or is_shell or any(word.startswith("--split-string") for word in own_words):
            return
        position = end + (program == "timeout")


def _end_of_options(words: Sequence[str], position: int, with_argument: Sequence[str]) -> int:
    """Return the position after the options that begin there."""
    while position < len(words) and words[position].startswith("-"):
        word = words[position]
        position += 1
        if word == "--":
            break
        if word.startswith("--"):
            position += word in with_argument
        else:
            # the first letter that takes an argument has the rest of the word, if there is a rest
            letters = [f"-{letter}" in with_argument for letter in word[1:]]
            position += True in letters and letters.index(True) == len(letters) - 1
    return position


def _check_file_arguments(program: str, arguments: Sequence[str]) -> None:
    """Check that no value is the name of a file that is read.

    wall reads a file if its only operand is the name of one; curl --data-urlencode, if @ comes before =.
    """
    for previous, word in pairwise(("", *arguments)):
        match = PLACEHOLDER.search(word)
        if not match:
            continue
        operands = [argument for argument in arguments if not argument.startswith("-") and not argument.isdigit()]
        if program == "wall" and match.start() == 0 and len(operands) == 1:
            raise _file_error(match[0], "wall", "put words before it")
        if program == "curl" and previous in ("--data-urlencode", "--url-query") and "=" not in word[: match.start()]:
            raise _file_error(match[0], previous, f"write NAME={match[0]}")


def _file_error(value: str, program: str, hint: str) -> InvalidParameterError:
    return InvalidParameterError(f"cannot pass the value {value} to {program}: it could be the name of a file", hint)


def _check_programs(words: Sequence[str]) -> None:
    """Check the words after each name of an interpreter, because any program may run the program that a word names."""
    for position, word in enumerate(words):
        if _is_own_name(words[:position]) or "://" in word:
            continue
        program, arguments = _program_name(word), words[position + 1 :]
        if program in _REMOTE_SHELLS:
            _check_remote_words(program, arguments)
        elif program in _ALWAYS_SCRIPTS:
            _check_no_values(arguments)
        elif program in _INTERPRETERS:
            if program == "perl" and any(map(_FILE_OPTION.fullmatch, arguments)):
                _check_no_values(arguments)
            _check_script_words(list(_without_variables(program, arguments)))


def _is_own_name(previous_words: Sequence[str]) -> bool:
    """Return whether the next word is $0 of a shell's script: sh -c SCRIPT $0."""
    *programs, option, _ = ("", "", *previous_words)
    return re.fullmatch("-[a-z]*c", option) is not None and not _SHELLS.isdisjoint(map(os.path.basename, programs))


def _without_variables(program: str, words: Sequence[str]) -> Iterator[str]:
    """Yield the words without options that set a variable: -v NAME=VALUE of awk."""
    options = _VALUE_OPTIONS.get(program, {})
    remaining = 0
    for word in words:
        if remaining:
            remaining -= 1
        elif word in options:
            remaining = options[word]
        else:
            yield word


def _check_remote_words(program: str, words: Sequence[str]) -> None:
    for word in words:
        if match := PLACEHOLDER.search(word):
            reason = f"cannot pass the value {match[0]} to {program}: the shell of the other machine could run it"
            raise InvalidParameterError(reason, "write a script that sends it as input")


def _check_no_values(words: Sequence[str]) -> None:
    for word in words:
        if match := PLACEHOLDER.search(word):
            raise _script_error(match)


def _check_script_words(words: Sequence[str]) -> None:
    """Check that no word after the name of an interpreter is a script, or the name of one, with a placeholder in it.

    A script is an option, the first word that is no option, a word after an option that takes a script, or a word with
    spaces, quotes or other characters of programming languages. Some words that are no scripts are rejected, too: which
    word an option takes depends on the program.
    """
    is_before_script = True
    for previous, word in pairwise(("", *words)):
        match = PLACEHOLDER.search(word)
        is_script = is_before_script or _SCRIPT_OPTION.fullmatch(previous) or _SCRIPT_OPTION.match(word)
        if match and (is_script or not _PLAIN_WORD.fullmatch(PLACEHOLDER.sub("", word))):
            raise _script_error(match)
        is_before_script = is_before_script and word.startswith("-")


def _script_error(match: re.Match[str]) -> InvalidParameterError:
    hint = f'use "${variable_name(match[1])}" in it, or give the value as a word of its own after the script'
    return InvalidParameterError(f"cannot put the value {match[0]} into a script: it could be run", hint)
