"""What a GM needs made on the spot: people and treasure, out of tables of our own and by rule."""
