"""Half an hour at 70 % of what the agents can do: does anything become slower, or grow?"""
