"""Facts about Kafka's protocol, imported from its jars, and the generator that turns them into codecs."""
