"""Build step of the wheel: compile the schema and the parse table of WQL into modules beside their sources.

pip builds the wheel to learn which Python it requires, so this file must run on a Python that Logonscope does not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path(__file__).parent / "src"


class CompilingHook(BuildHookInterface[Any]):
    """Writes cim/schema/compiled.py and wql/compiled.py, in an editable installation too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile both; hatchling calls this before it collects the files."""
        del version
        if sys.version_info < (3, 11):  # noqa: UP036 -- see above
            if "PIP_BUILD_TRACKER" in os.environ:
                return  # pip reads requires-python from the wheel without them, and refuses in its own words
            raise RuntimeError("Logonscope is built with Python 3.11 or newer")
        sys.path.insert(0, str(SOURCE))
        try:
            from logonscope.cim.schema.build import build as build_schema  # noqa: PLC0415 -- found a line above
            from logonscope.wql.build import build as build_parse_table  # noqa: PLC0415 -- the same

            compiled_files = build_schema(), build_parse_table()
        finally:
            sys.path.remove(str(SOURCE))
        build_data["artifacts"] += [f"/{path.relative_to(SOURCE.parent)}" for path in compiled_files]
