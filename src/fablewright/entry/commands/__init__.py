"""What can be typed, a module a command: its options and its help. What is done then is imported when it runs."""
