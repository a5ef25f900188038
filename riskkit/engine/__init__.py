"""Ways to run the loop: every engine turns runs and replicates into parameters at checkpoints."""
