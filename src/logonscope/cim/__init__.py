"""CIM data: types, datetimes, classes, object paths and instances. The package reads no machine."""
