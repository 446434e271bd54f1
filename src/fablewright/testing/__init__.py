"""The public test kit: time that jumps, and agents by script."""
