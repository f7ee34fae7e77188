"""Message codecs, one module for each message; written by protocol_specs/codegen, never edited."""
