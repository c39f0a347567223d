"""CIM-XML (DSP0201): definitions of classes, written and parsed."""
