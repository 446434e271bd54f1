"""One engine a file, each imported only in the process that measures it."""
