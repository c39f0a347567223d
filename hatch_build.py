"""What happens when the wheel is built? The schema is compiled from its MOF files and put beside them."""

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
        sys.path.insert(0, str(SOURCE))
        try:
            from logonscope.cim.schema.build import build  # noqa: PLC0415 -- found a line above

            compiled = build()
        finally:
            sys.path.remove(str(SOURCE))
        build_data["artifacts"].append(f"/{compiled.relative_to(SOURCE.parent)}")
