"""Import cycles among the modules of the package."""

import graphlib


def import_cycles() -> list[list[str]]:
    """Return circles of modules that import each other; the first that is found, or none."""
    import grimp  # noqa: PLC0415 -- the other measures need no import-linter

    graph = grimp.build_graph("logonscope", exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        list(graphlib.TopologicalSorter(imports).static_order())
    except graphlib.CycleError as error:
        return [error.args[1]]
    return []
