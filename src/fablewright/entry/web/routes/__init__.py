"""What can be asked of the server: each module has the routes about one noun."""
