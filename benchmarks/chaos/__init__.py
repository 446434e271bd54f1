"""What becomes of scenes while processes, the broker and the network between them go wrong."""
