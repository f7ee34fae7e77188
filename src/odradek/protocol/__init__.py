"""Kafka's wire protocol: primitives, headers, error codes and the generated messages. Pure.

`generated/` holds one module for each message, written by `protocol_specs/codegen` and loaded on first use
(`odradek.protocol.messages`, or a direct import of the module). Knows no sockets, no files and no clock.
"""
