"""MOF, the text form of CIM classes (DSP0004 annex A), in WMI's dialect: reader and writer."""
