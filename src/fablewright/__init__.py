"""A game master's assistant that never keeps the table waiting, on an agent runtime without hangs."""
