"""Questions: what is asked, who it is about, and the sentences of the notes that answer."""
