"""MOF, the text form of classes (DSP0004 annex A), in WMI's dialect: read when the wheel is built, written when asked."""
