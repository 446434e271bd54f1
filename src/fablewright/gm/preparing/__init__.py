"""A session prepared ahead: what may come is foreseen, accepted as durable work, and written scene by scene."""
