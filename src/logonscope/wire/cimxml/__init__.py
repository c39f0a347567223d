"""CIM-XML (DSP0201): classes, instances and paths as elements."""
