"""Tasks, executors, scheduling, progress, and the loop of a sweep."""
