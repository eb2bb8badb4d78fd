"""The Redis that the tests run against: a server process, a container, or one of the user's own.

`choose` decides which, `base.Broker` is how the rest of the package sees it, and `inspect` answers
questions about the messages in it. Nothing here imports redis, kombu or docker before it is used.
"""
