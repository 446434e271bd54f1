"""One vendor, one file, imported late."""
