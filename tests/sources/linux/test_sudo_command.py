"""Tests of sources/linux/sudo_command.py: commands that start services, and all that only look like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import is_service_unit
from logonscope.sources.linux.sudo_command import requested_services

STARTS = {
    "sudo systemctl start nginx": ["nginx.service"],
    "sudo systemctl restart nginx.service php8.2-fpm": ["nginx.service", "php8.2-fpm.service"],
    "sudo -n -E LANG=C /usr/bin/systemctl --no-block try-restart cron": ["cron.service"],
    "sudo -p 'password: ' -- systemctl -t service reload-or-restart a@b": ["a@b.service"],
    "sudo -i systemctl start nginx": ["nginx.service"],
    "sudo -u root systemctl start nginx": ["nginx.service"],
    "sudo systemctl enable --now nginx": ["nginx.service"],
    "sudo service ssh restart": ["ssh.service"],
    "sudo systemd-run --unit=job --property=Nice=5 sleep 10": ["job.service"],
    "sudo systemd-run -u job sleep 10": ["job.service"],
    "sudo systemd-run --collect -p Nice=5 --uid 1000 --unit job -- sleep --unit=nginx": ["job.service"],
}
STARTS_NOTHING = (
    "",
    "sudo",
    "sudo -u",
    "sudo true",
    "sudo systemctl",
    "sudo systemctl stop nginx",
    "sudo systemctl status nginx",
    "sudo systemctl enable nginx",
    "sudo systemctl start nginx.socket",
    "sudo systemctl start 'ngin*'",
    "sudo systemctl start ../nginx",
    "sudo systemctl --user start nginx",
    "sudo systemctl -M web start nginx",
    "sudo systemctl -Hweb start nginx",
    "sudo systemctl --host=web start nginx",
    "sudo systemctl --root /mnt start nginx",
    "sudo service ssh status",
    "sudo service ssh",
    "sudo systemd-run --scope --unit=job sleep 10",
    "sudo systemd-run sleep 10",
    "sudo systemd-run sleep --unit=nginx",
    "sudo systemd-run /bin/echo -u nginx",
    "sudo systemd-run -- echo -u nginx",
    "sudo systemd-run --unit",
    "sudo --unknown systemctl start nginx",
    "sudo -u postgres systemctl start nginx",
    "sudo sh -c 'systemctl start nginx'",
    "sudo echo systemctl start nginx",
    "sudo echo '; systemctl start nginx'",
    "sudo systemctl start 'nginx",
    "systemctl " * 5000,
)


@pytest.mark.parametrize("command", STARTS)
def test_a_command_that_starts_services(command: str) -> None:
    assert sorted(requested_services(command)) == STARTS[command]


@pytest.mark.parametrize("command", STARTS_NOTHING)
def test_a_command_that_starts_no_service_by_its_name(command: str) -> None:
    assert requested_services(command) == frozenset()


@given(st.text(max_size=80).map("sudo systemctl start {}".format) | st.text(max_size=80))
def test_no_text_makes_it_fail(text: str) -> None:
    assert all(is_service_unit(name) for name in requested_services(text))
