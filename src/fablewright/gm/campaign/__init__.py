"""What happened at the table: the log of a campaign, the state that follows from it, and the agent that keeps both."""
