"""Said to three brokers: a module for each API, as in ``compat.scenarios``. Broker 0 is controller."""
