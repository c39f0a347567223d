"""What happens when the wheel is built? The schema is compiled from its MOF files and put beside them.

pip builds the wheel to learn which Python it requires, so this file must run on a Python that Logonscope does not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path(__file__).parent / "src"


class SchemaHook(BuildHookInterface[Any]):
    """Writes cim/schema/compiled.py, in an editable installation too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the schema; hatchling calls this before it collects the files."""
        del version
        if sys.version_info < (3, 11):  # noqa: UP036 -- see above
            if "PIP_BUILD_TRACKER" in os.environ:
                return  # pip reads requires-python from the wheel without a schema, and refuses in its own words
            raise RuntimeError("Logonscope is built with Python 3.11 or newer")
        sys.path.insert(0, str(SOURCE))
        try:
            from logonscope.cim.schema.build import build  # noqa: PLC0415 -- found a line above

            compiled = build()
        finally:
            sys.path.remove(str(SOURCE))
        build_data["artifacts"].append(f"/{compiled.relative_to(SOURCE.parent)}")
