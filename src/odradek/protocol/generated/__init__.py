"""Message codecs, one module a message; written by protocol_specs/codegen, never edited."""
