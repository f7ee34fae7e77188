"""The generator of `odradek.protocol.generated`: one module a message, codecs specialised by version."""
