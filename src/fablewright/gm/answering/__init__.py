"""How each kind of request is answered: one module a kind, each with one function from an ``Asked`` to an answer."""
