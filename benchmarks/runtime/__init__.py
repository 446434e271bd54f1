"""What a request costs, side by side: ours, bare asyncio, what one would write by hand, and other runtimes."""
