"""Tests of providers/helpers/capabilities.py: names are those of capsh and of the kernel's header."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from logonscope.providers.helpers.capabilities import NAMES, capability_mask, capability_names

HEADER = Path("/usr/include/linux/capability.h")


def test_every_bit_has_its_name() -> None:
    assert capability_names((1 << len(NAMES)) - 1) == NAMES
    assert capability_names(0) == ()
    assert capability_names(None) is None
    assert capability_names(1 << 63 | 1) == ("cap_chown", "cap_63")


def test_the_mask_is_that_of_status() -> None:
    assert capability_mask(0x1FFFFFFFFFF) == "000001ffffffffff"
    assert capability_mask(None) is None


@pytest.mark.skipif(not HEADER.exists(), reason="the kernel's header is not installed")
def test_the_names_are_those_of_the_kernels_header() -> None:
    defined = re.findall(r"^#define (CAP_[A-Z_]+)\s+([0-9]+)$", HEADER.read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(bit): name.lower() for name, bit in defined} == dict(enumerate(NAMES))


@pytest.mark.skipif(shutil.which("capsh") is None, reason="capsh is not installed")
@pytest.mark.parametrize("mask", [0, 1, 0x00000000A80425FB, 0x1FFFFFFFFFF])
def test_the_names_are_those_of_capsh(mask: int) -> None:
    shown = subprocess.run(["capsh", f"--decode={mask:x}"], capture_output=True, text=True, check=True).stdout
    names = shown.strip().partition("=")[2]
    assert tuple(filter(None, names.split(","))) == capability_names(mask)
