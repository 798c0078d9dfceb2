"""The functions host and the backing services of a developer's machine; never deployed."""
