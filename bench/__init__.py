"""How fast is Logonscope beside its peers? ``python -m bench`` measures all of it in one run and prints one table."""
