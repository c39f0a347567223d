"""WS-Management (DSP0226, DSP0227) as Microsoft speaks it for WMI (MS-WSMV)."""
