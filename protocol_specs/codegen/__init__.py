"""The generator of `odradek.protocol.generated`: one module for each message, codecs specialised by version."""
