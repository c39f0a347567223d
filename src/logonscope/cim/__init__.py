"""CIM as data: types, classes, object paths and instances. It knows no machine and reads none."""
