"""Other runtimes, one vendor a file, each used as its documentation shows first and with its defaults.

A file is imported only if its vendor is installed.
"""
