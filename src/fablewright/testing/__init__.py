"""The public test kit: time that jumps, agents by script, faults by plan, and a simulation of the whole bus."""
