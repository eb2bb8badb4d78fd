"""What a run is compared with: a revision's work tree, the lock files, the stored runs."""
