"""``fablewright serve``: the table's page and the API, for people and programs on this machine or this network."""
