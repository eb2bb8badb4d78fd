"""An app that cannot be imported."""

raise LookupError("the secret key is not set")
