"""MOF, the text form of classes (DSP0004 annex A), in WMI's dialect: read for the build, written when asked."""
