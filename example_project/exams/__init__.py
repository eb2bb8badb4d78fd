"""The examination platform: what computes runs in processes, what waits runs in greenlets."""
