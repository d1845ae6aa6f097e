"""A Google Cloud of the size of a test: metadata server, OAuth2 tokens, Cloud KMS, Cloud Storage, IAM and an audit log.

It speaks Google's wire formats with real cryptography and real access checks, so that Cloister and Google's own
clients run against it unchanged. Faults can be injected into any call.
"""
