"""The back end of a registry of legal records: five queues by priority."""
