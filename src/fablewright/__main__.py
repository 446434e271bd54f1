"""``python -m fablewright``."""


def main() -> None:
    """Run the command line."""
