"""The network between a pool and its broker: proxies that can behave as badly as a network does."""
