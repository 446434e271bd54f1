"""The wire-level machines, pure: facts that carry ``now`` go in, effects come out."""
