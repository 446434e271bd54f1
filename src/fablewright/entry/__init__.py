"""Where everything is put together: configuration, assembly, command line."""
