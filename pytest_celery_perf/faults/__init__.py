"""What a test does to the processes, the broker and the network of its workers."""
